/** The paths under which a route may stand in a document. */

// A pattern of a parameter, innermost parentheses first, and the character that replaces a pattern until the parameter
// is read: the name of the parameter ends there.
const PATTERN = /\([^()]*\)/g
const PATTERN_READ = '\0'
const PLAIN = /^[^(:*]*$/
const SPECIAL = /::|\*|:([A-Za-z0-9_]+)\0?/g

/**
 * Returns the paths that a route may have in a document: in OpenAPI's syntax, as it is and without the path of each
 * server, which @fastify/swagger may strip. Two routes that share a path share an operation.
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
    path = path.replace(PATTERN, PATTERN_READ)
  }
  return path.replace(SPECIAL, (special, name) => special === '::' ? ':' : `{${name ?? special}}`)
}

function basePath (server: { url?: unknown }): string {
  try {
    return new URL(String(server.url), 'http://localhost').pathname.replace(/\/$/, '') || '/'
  } catch {
    return '/'
  }
}
