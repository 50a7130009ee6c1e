// A network that misbehaves, on order: a TCP proxy on 127.0.0.1 between a process and a real server, which delays, cuts, throttles,
// swallows or answers what passes. It looks into the bytes only to find the end of an HTTP/1.1 request.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export type WireFault =
  | { readonly kind: 'none' }
  /** Nobody listens: connections are refused, those that are open are closed. */
  | { readonly kind: 'down' }
  /** Answers come this much later. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** So much passes in either direction of a connection. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Connections are taken, and what comes is swallowed. */
  | { readonly kind: 'hanging' }
  /** Every request gets this answer instead of the server's, which never sees it. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The server has the request; of its answer so many bytes arrive, then the connection is closed. */
  | { readonly kind: 'half answer'; readonly bytes: number }
  /** The connection is reset when a request is complete; the server has seen it (`isForwarded`), or has not. `times`: so often only. */
  | { readonly kind: 'reset'; readonly isForwarded?: boolean; readonly times?: number }
  /** Connections go to this port instead: a server with a certificate of its own, say. */
  | { readonly kind: 'elsewhere'; readonly port: number };

const NONE: WireFault = { kind: 'none' };
const HEAD_END = '\r\n\r\n';
const TICK_MS = 10;

export class FaultProxy {
  readonly #targetPort: number;
  readonly #connections = new Set<Connection>();
  #server: Server | undefined;
  #port = 0;
  #fault: WireFault = NONE;

  /** `targetPort`: of the server on 127.0.0.1 that everything goes to as long as nothing is wrong. */
  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  async open(): Promise<void> {
    await this.#listen();
  }

  get port(): number {
    return this.#port;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** From now on this is wrong. Connections that are open stay so, unless the fault closes them. */
  async set(fault: WireFault): Promise<void> {
    const isRouted = (value: WireFault): boolean => value.kind === 'elsewhere';
    if (fault.kind === 'down') await this.#stopListening();
    // What a connection swallowed it will never give back.
    if (fault.kind === 'down' || isRouted(fault) || isRouted(this.#fault) || this.#fault.kind === 'hanging') this.cut();
    this.#fault = fault;
    if (fault.kind !== 'down' && this.#server === undefined) await this.#listen();
  }

  heal(): Promise<void> {
    return this.set(NONE);
  }

  /** Closes the connections that are open now, as a load balancer closes idle ones. */
  cut(): void {
    for (const connection of this.#connections) connection.close();
  }

  async close(): Promise<void> {
    this.cut();
    await this.#stopListening();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: false }, (socket) => this.#accept(socket));
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  async #stopListening(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    for (const connection of this.#connections) connection.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #countReset(): void {
    if (this.#fault.kind !== 'reset' || this.#fault.times === undefined) return;
    const times = this.#fault.times - 1;
    this.#fault = times > 0 ? { ...this.#fault, times } : NONE;
  }

  #accept(socket: Socket): void {
    const { kind } = this.#fault;
    const port = kind === 'elsewhere' ? (this.#fault as { port: number }).port : this.#targetPort;
    const connection = new Connection(socket, {
      connectServer: () => connect(port, '127.0.0.1'),
      fault: () => this.#fault,
      wasReset: () => this.#countReset(),
    });
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
  }
}

type ConnectionParts = {
  connectServer(): Socket;
  fault(): WireFault;
  wasReset(): void;
};

/** One client, and its connection to the server as soon as something is to be forwarded. */
class Connection {
  readonly #client: Socket;
  readonly #parts: ConnectionParts;
  #server: Socket | undefined;
  #request = Buffer.alloc(0);
  #answerBytes = 0;

  constructor(client: Socket, parts: ConnectionParts) {
    this.#client = client;
    this.#parts = parts;
    client.on('error', () => {});
    client.on('data', (bytes) => this.#fromClient(bytes));
    client.on('close', () => this.#server?.destroy());
  }

  close(): void {
    this.#client.destroy();
  }

  #fromClient(bytes: Buffer): void {
    const fault = this.#parts.fault();
    switch (fault.kind) {
      case 'hanging':
        return;
      case 'answer':
        if (this.#completes(bytes)) this.#client.write(answerText(fault.status, fault.headers));
        return;
      case 'reset':
        if (fault.isForwarded) this.#toServer(bytes);
        else if (this.#completes(bytes)) this.#reset();
        return;
      case 'throttle':
        trickle(bytes, fault.bytesPerSecond, (piece) => this.#toServer(piece));
        return;
      default:
        this.#toServer(bytes);
    }
  }

  #toServer(bytes: Buffer): void {
    if (this.#client.destroyed) return;
    this.#server ??= this.#openServer();
    this.#server.write(bytes);
  }

  #openServer(): Socket {
    const server = this.#parts.connectServer();
    server.on('error', () => {});
    server.on('data', (bytes) => this.#fromServer(bytes));
    server.on('close', () => this.#client.destroy());
    return server;
  }

  #fromServer(bytes: Buffer): void {
    const fault = this.#parts.fault();
    const pass = (piece: Buffer): void => void (this.#client.destroyed || this.#client.write(piece));
    switch (fault.kind) {
      case 'hanging':
        return;
      case 'slow':
        setTimeout(pass, fault.delayMs, bytes).unref();
        return;
      case 'throttle':
        trickle(bytes, fault.bytesPerSecond, pass);
        return;
      case 'half answer': {
        const left = fault.bytes - this.#answerBytes;
        this.#answerBytes += bytes.length;
        if (left > 0) pass(bytes.subarray(0, left));
        if (bytes.length >= left) this.#client.end(() => this.#client.destroy());
        return;
      }
      case 'reset':
        this.#reset();
        return;
      default:
        pass(bytes);
    }
  }

  #reset(): void {
    this.#client.resetAndDestroy();
    this.#parts.wasReset();
  }

  /** Whether the request is complete with these bytes. */
  #completes(bytes: Buffer): boolean {
    this.#request = Buffer.concat([this.#request, bytes]);
    const headBytes = this.#request.indexOf(HEAD_END);
    if (headBytes === -1) return false;
    const [, length = '0'] = /^content-length: *(\d+)/im.exec(this.#request.toString('latin1', 0, headBytes)) ?? [];
    const requestBytes = headBytes + HEAD_END.length + Number(length);
    if (this.#request.length < requestBytes) return false;
    this.#request = this.#request.subarray(requestBytes);
    return true;
  }
}

function answerText(status: number, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Ordered\r\ncontent-length: 0\r\n${lines.join('')}\r\n`;
}

/** Hands the bytes on in pieces, so many in a second. */
function trickle(bytes: Buffer, bytesPerSecond: number, pass: (piece: Buffer) => void): void {
  const pieceBytes = Math.max(1, Math.round((bytesPerSecond * TICK_MS) / 1000));
  let at = 0;
  const timer = setInterval(() => {
    pass(bytes.subarray(at, at + pieceBytes));
    at += pieceBytes;
    if (at >= bytes.length) clearInterval(timer);
  }, TICK_MS);
  timer.unref();
}

/** A proxy before the server on this port of 127.0.0.1. Dispose of it, or its port stays. */
export async function openFaultProxy(targetPort: number): Promise<FaultProxy> {
  const proxy = new FaultProxy(targetPort);
  await proxy.open();
  return proxy;
}
