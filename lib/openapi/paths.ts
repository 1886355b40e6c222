/** The paths under which a route may stand in a document. */

// A pattern of a parameter, innermost parentheses first, and the marks of optional and escaped characters.
const PATTERN = /\([^()]*\)/g
const PLAIN = /^[^(:*]*$/
const PARAMETER = /:([A-Za-z0-9_]+)\??/g

/**
 * The path of a route as OpenAPI writes it, as it is and without the path of each server, which @fastify/swagger may strip. They serve to compare
 * routes with operations: two routes that share one share an operation.
 */
export function pathsOf (url: string, servers: unknown): string[] {
  const path = PLAIN.test(url) ? url : withParameters(url)
  if (!Array.isArray(servers)) return [path]
  const bases = servers.map(basePath).filter((base) => base !== '/' && path.startsWith(base))
  return [...new Set([path, ...bases.map((base) => path.slice(base.length) || '/')])]
}

function withParameters (url: string): string {
  let path = url
  for (let before = ''; before !== path;) {
    before = path
    path = path.replace(PATTERN, '')
  }
  return path.replace(PARAMETER, '{$1}').replace(/\*$/, '{*}')
}

function basePath (server: { url?: unknown }): string {
  try {
    return new URL(String(server.url), 'http://localhost').pathname.replace(/\/$/, '') || '/'
  } catch {
    return '/'
  }
}
