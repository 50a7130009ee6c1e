// Stands for the X-Ray daemon: receives datagrams on a free UDP port of 127.0.0.1, keeps and validates them.

import { createSocket, type Socket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import { Conditions, type WaitOptions } from '../conditions.ts';
import { validateDatagram } from './xray-validation.ts';

/** A segment or subsegment as it came; the fields that readers use, everything else as it is. */
export type XrayDocument = {
  readonly id: string;
  readonly name: string;
  readonly start_time: number;
  readonly end_time?: number;
  readonly in_progress?: boolean;
  readonly trace_id?: string;
  readonly parent_id?: string;
  readonly type?: string;
  readonly error?: boolean;
  readonly throttle?: boolean;
  readonly fault?: boolean;
  readonly annotations?: Readonly<Record<string, string | number | boolean>>;
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly http?: {
    readonly request?: Readonly<Record<string, unknown>>;
    readonly response?: Readonly<Record<string, unknown>>;
  };
  readonly aws?: Readonly<Record<string, unknown>>;
  readonly sql?: Readonly<Record<string, unknown>>;
  readonly subsegments?: readonly XrayDocument[];
  readonly [field: string]: unknown;
};

export type Datagram = {
  /** Arrival, milliseconds on the performance clock. */
  readonly at: number;
  readonly bytes: Buffer;
  /** undefined when the body was not JSON. */
  readonly document: XrayDocument | undefined;
  readonly violations: readonly string[];
};

/** Begins a datagram of the sink's own, which marks a moment in the socket's queue; nobody else sends such a thing. */
const MARKER = 'spanstrap-marker ';

export class XraySink {
  readonly datagrams: Datagram[] = [];
  #socket: Socket;
  readonly #conditions = new Conditions(() => this.#describe());
  readonly #markers = new Set<string>();
  #address = '';
  #markerCount = 0;

  constructor() {
    this.#socket = this.#createSocket();
  }

  async open(): Promise<void> {
    await this.#bind(0);
    const { address, port } = this.#socket.address() as AddressInfo;
    this.#address = `${address}:${port}`;
  }

  /** `host:port`, the form of AWS_XRAY_DAEMON_ADDRESS. */
  get address(): string {
    return this.#address;
  }

  get documents(): XrayDocument[] {
    return this.datagrams.flatMap(({ document }) => document ?? []);
  }

  get violations(): string[] {
    return this.datagrams.flatMap(({ violations, document }) =>
      violations.map((violation) => `${document?.name ?? 'datagram'}: ${violation}`),
    );
  }

  /** Waits until `check` is truthy; it is asked again after every datagram. Resolves with what it returned. */
  waitFor<T>(check: (sink: this) => T, what: string, deadlineMs?: number): Promise<NonNullable<T>> {
    const options: WaitOptions = { what, ...(deadlineMs !== undefined && { deadlineMs }) };
    return this.#conditions.waitFor(() => check(this), options);
  }

  /** Resolves when everything that was in the socket at the time of the call has been read. Loopback keeps the order. */
  async drain(): Promise<void> {
    const marker = `${MARKER}${++this.#markerCount}`;
    const { port } = this.#socket.address() as AddressInfo;
    await new Promise<void>((resolve, reject) => {
      this.#socket.send(marker, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
    await this.#conditions.waitFor(() => this.#markers.delete(marker), { what: 'the marker datagram to come back' });
  }

  clear(): void {
    this.datagrams.length = 0;
  }

  /** The daemon is gone: nobody listens at its address any more, until it comes back. */
  async leave(): Promise<void> {
    await this.drain();
    await this.close();
  }

  /** To the address that it left. */
  async comeBack(): Promise<void> {
    this.#socket = this.#createSocket();
    await this.#bind(Number(this.#address.slice(this.#address.lastIndexOf(':') + 1)));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #createSocket(): Socket {
    // The default receive buffer holds three datagrams of full size.
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    socket.on('message', (bytes) => this.#take(bytes));
    return socket;
  }

  async #bind(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(port, '127.0.0.1', resolve);
    });
  }

  #take(bytes: Buffer): void {
    const start = bytes.subarray(0, MARKER.length).toString('latin1');
    if (start === MARKER) this.#markers.add(bytes.toString('latin1'));
    else {
      const { document, violations } = validateDatagram(bytes);
      this.datagrams.push({ at: performance.now(), bytes, document: document as XrayDocument | undefined, violations });
    }
    this.#conditions.changed();
  }

  #describe(): string {
    const lines = this.datagrams.map(
      ({ bytes, document, violations }) =>
        `  ${bytes.length} bytes: ${document ? `${document.name} (${document.trace_id})` : 'not a document'}${violations.length > 0 ? `, ${violations.length} violations` : ''}`,
    );
    return [`X-Ray datagrams so far: ${lines.length}`, ...lines.slice(-20)].join('\n');
  }
}

export async function openXraySink(): Promise<XraySink> {
  const sink = new XraySink();
  await sink.open();
  return sink;
}
