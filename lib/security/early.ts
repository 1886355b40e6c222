/** What was there before the plugin was loaded: routes that no onRoute hook has seen, so that nothing can guard them, and contexts. */

/** A route as Fastify prints it. */
export interface PrintedRoute { readonly method: string, readonly url: string }

// One line of `printRoutes()`: the depth, four characters a level; a part of the path; the methods; the constraints.
const LINE = /^(?<indent>(?:[│ ] {3})*)(?<branch>[├└]── )?(?<rest>.+)$/gm
const ROUTE = /^(?<path>.*) \((?<methods>[^()]+)\)(?: \{.*\})?$/
const EMPTY_ROOT = '(empty root node)'

/** Reads what `app.printRoutes()` wrote. It is the only list that Fastify gives of its routes. */
export function readPrintedRoutes (printed: string): PrintedRoute[] {
  const paths: string[] = []
  const routes: PrintedRoute[] = []
  for (const { groups } of printed.matchAll(LINE)) {
    const { indent, branch, rest } = groups as { indent: string, branch?: string, rest: string }
    const { path = rest, methods } = ROUTE.exec(rest)?.groups ?? {}
    // A line without a branch repeats the part above it, under other constraints.
    const depth = indent.length / 4 - (branch === undefined ? 1 : 0)
    const url = (paths[depth - 1] ?? '') + (path === EMPTY_ROOT ? '' : path)
    paths[depth] = url
    for (const method of methods?.split(', ') ?? []) routes.push({ method, url })
  }
  return routes
}

/** The contexts within a context, as far as they are `known`: Fastify keeps them under a symbol of its own. */
export function contextsWithin<Context extends object> (context: Context): { readonly known: boolean, readonly contexts: Context[] } {
  const key = Object.getOwnPropertySymbols(context).find(({ description }) => description === 'fastify.children')
  if (key === undefined) return { known: false, contexts: [] }
  const children = (context as Record<symbol, Context[]>)[key] as Context[]
  return { known: true, contexts: children.flatMap((child) => [child, ...contextsWithin(child).contexts]) }
}

/** For messages: `GET /a, POST /b`. */
export const listed = (routes: ReadonlyArray<{ method: string, url: string }>): string =>
  routes.map(({ method, url }) => `${method} ${url}`).join(', ')
