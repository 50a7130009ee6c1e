// AWS's own endpoints that matter here: which OTLP endpoints want signed requests, and where a service is.

/** `xray`, `logs` and `monitoring` take OTLP; FIPS, dual-stack, VPC and private names included. */
const OTLP_HOST =
  /^(?:[^.]+\.)*?(xray|logs|monitoring)(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-\d)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;

export type AwsEndpoint = { readonly service: string; readonly region: string };

/** Service and region of an OTLP endpoint of AWS; undefined: it is somebody else's. */
export function awsOtlpEndpoint(url: URL): AwsEndpoint | undefined {
  const match = OTLP_HOST.exec(url.hostname);
  return match === null ? undefined : { service: match[1]!, region: match[2]! };
}

/** The endpoint of a service in a region (AWS General Reference, "Service endpoints"). */
export function serviceEndpoint(service: string, region: string): URL {
  return new URL(`https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`);
}
