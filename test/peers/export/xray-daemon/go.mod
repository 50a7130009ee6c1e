module spanstrap.test/xray-daemon

go 1.24

tool github.com/aws/aws-xray-daemon/cmd/tracing

require (
	github.com/StackExchange/wmi v0.0.0-20190523213315-cbe66965904d // indirect
	github.com/aws/aws-sdk-go v1.44.298 // indirect
	github.com/aws/aws-xray-daemon v0.0.0-20240827235329-2e2596c6bb93 // indirect
	github.com/cihub/seelog v0.0.0-20170130134532-f561c5e57575 // indirect
	github.com/go-ole/go-ole v1.2.4 // indirect
	github.com/jmespath/go-jmespath v0.4.0 // indirect
	github.com/shirou/gopsutil v2.19.10+incompatible // indirect
	golang.org/x/net v0.23.0 // indirect
	golang.org/x/sys v0.18.0 // indirect
	golang.org/x/text v0.14.0 // indirect
	gopkg.in/yaml.v2 v2.2.8 // indirect
)
