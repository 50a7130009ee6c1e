// OpenTelemetry's numbers for span kinds and status codes, so that the API package need not be loaded for two constants.

export const INTERNAL = 0;
export const SERVER = 1;
export const CLIENT = 2;
export const PRODUCER = 3;
export const CONSUMER = 4;

export const STATUS_ERROR = 2;
