// Whom an OTLP exporter trusts and what it shows of itself (OpenTelemetry specification, "OTLP exporter configuration").

import { readFileSync } from 'node:fs';

export type TlsFiles = {
  /** A PEM file; its certificates are trusted instead of Node's own. */
  readonly certificateFile: string | undefined;
  /** The same as base64 of the PEM text, for where there is no file. */
  readonly certificateBase64: string | undefined;
  readonly clientCertificateFile: string | undefined;
  readonly clientKeyFile: string | undefined;
  /** False: any certificate will do. */
  readonly isServerVerified: boolean;
};

/** In the form in which `node:tls` takes them. */
export type TlsOptions = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rejectUnauthorized?: false;
};

/** @throws Error that names the file and what is wrong with it */
export function readTlsFiles(files: TlsFiles): TlsOptions {
  const { certificateFile, certificateBase64, clientCertificateFile, clientKeyFile } = files;
  const ca =
    certificateFile === undefined
      ? certificateBase64 && decodePem(certificateBase64)
      : readPem('the CA file', certificateFile);
  return {
    ...(ca && { ca }),
    ...(clientCertificateFile && { cert: readPem('the client certificate', clientCertificateFile) }),
    ...(clientKeyFile && { key: readPem('the client key', clientKeyFile) }),
    ...(!files.isServerVerified && { rejectUnauthorized: false }),
  };
}

function readPem(what: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`${what} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return checkPem(`${what} ${path}`, text);
}

function decodePem(base64: string): string {
  return checkPem('the base64 of the CA certificate', Buffer.from(base64, 'base64').toString('latin1'));
}

function checkPem(what: string, text: string): string {
  // What is not PEM Node would take for an empty list, and then trust nobody.
  if (!text.includes('-----BEGIN ')) throw new Error(`${what} is not PEM: it has no "-----BEGIN" line`);
  return text;
}
