/** One request to a provider: bounded in time and length, without redirects. */

import { optionalFunction, wholeNumber, type Options } from './options'

type Fetch = typeof globalThis.fetch

/** The means of a request to a provider. */
export interface Asker {
  readonly fetch: Fetch
  /** Milliseconds. */
  readonly timeout: number
}

export interface ProviderResponse {
  readonly status: number
  readonly body: Buffer
}

interface Init {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

const LONGEST = 512 * 1024
const LONGEST_TIMEOUT = 2 ** 31 - 1

/** The options `fetch` and `timeout`. The global `fetch` is looked up late: others replace it. */
export function askerOf (where: string, options: Options): Asker {
  return {
    fetch: optionalFunction<Fetch>(where, options, 'fetch') ?? ((url, init) => globalThis.fetch(url, init)),
    timeout: wholeNumber(where, options, 'timeout', 5000, 1, LONGEST_TIMEOUT)
  }
}

/** Asks, and reads the whole response. Throws where none comes in time, it is a redirect, or longer than 512 KiB. */
export async function ask ({ fetch, timeout }: Asker, url: string, init: Init = {}): Promise<ProviderResponse> {
  const { status, body } = await fetch(url, {
    ...init,
    headers: { accept: 'application/json', ...init.headers },
    redirect: 'error',
    signal: AbortSignal.timeout(timeout)
  })
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array> | null ?? []) {
    length += chunk.length
    // To leave the loop is to cancel the stream.
    if (length > LONGEST) throw new Error(`The response of ${url} is longer than ${LONGEST} bytes`)
    chunks.push(chunk)
  }
  return { status, body: Buffer.concat(chunks) }
}

/** The JSON object of a response. Throws for anything else, and for another status than 200. */
export function objectOf ({ status, body }: ProviderResponse): Options {
  if (status !== 200) throw new Error(`The provider responded with the status ${status}`)
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error('The provider responded with JSON that is no object')
  }
  return value as Options
}
