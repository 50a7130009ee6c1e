#!/usr/bin/env bash
# Builds, tests and demonstrates spanstrap on a machine that has Node 20 or newer and npm. Everything else it gets itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'USAGE'
usage: ./build.sh [options]
                           build the layer for x86_64 and arm64 into dist/
         --arch x86_64     only this architecture, or arm64
         --node VERSION    with another Node than the default of layer/node.lock.json
         --allow-unlocked  even if that Node is not in layer/node.lock.json
         --no-code-cache   without the run that makes V8's code caches
       ./build.sh test     install, build what changed, check, run all tests
       ./build.sh demo     install, build, run examples/orders-api in the emulator
       ./build.sh bench    install, build, run the benchmark
       ./build.sh clean    remove dist/ and .cache/
       ./build.sh help     this text
USAGE
}

fail() {
  printf 'failed: %s\ntry: %s\n' "$1" "$2" >&2
  exit 1
}

install() {
  command -v node >/dev/null || fail 'there is no node on the PATH' 'install Node 20 or newer from your package manager or nodejs.org'
  command -v npm >/dev/null || fail 'there is no npm on the PATH' 'install npm, which comes with Node from nodejs.org'
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || fail "node $(node --version) is too old" 'install Node 20 or newer; the build then fetches the exact Node of the layer itself'
  if ! node layer/is-installed.mjs; then
    printf 'installing the packages of package-lock.json\n'
    npm ci --no-audit --no-fund --loglevel=error </dev/null ||
      fail 'npm ci did not succeed' 'check the network and the proxy settings of npm, then run it again: npm ci'
  fi
  [ -x node_modules/.bin/node ] ||
    fail "there is no Node package for $(uname -sm)" 'build on Linux, x86_64 or arm64, or in a Linux container or virtual machine'
}

node24=./node_modules/.bin/node

case ${1-} in
  test | clean)
    [ $# -eq 1 ] || fail "$1 takes no options, and was given $2" "./build.sh $1, or ./build.sh help"
    ;;
esac

case ${1-} in
  help | --help | -h)
    usage
    ;;
  clean)
    rm -rf dist .cache
    ;;
  test)
    install
    "$node24" layer/build.ts --if-changed
    npm run --silent check || fail 'the check found something' 'npx biome check --write, then npx tsc'
    npm run --silent test || fail 'a test failed' "$node24 --test FILE, with the file named above"
    ;;
  demo)
    install
    "$node24" layer/build.ts --if-changed --arch host
    exec "$node24" local/demo.ts "${@:2}"
    ;;
  bench)
    install
    "$node24" layer/build.ts --if-changed --arch host
    npm run --silent bench -- "${@:2}" || fail 'the benchmark did not finish' 'npm run bench, and read its last lines'
    ;;
  '' | --*)
    install
    exec "$node24" layer/build.ts "$@"
    ;;
  *)
    usage >&2
    fail "there is no command $1" './build.sh help'
    ;;
esac
