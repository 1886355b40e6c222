/** Contexts and routes: each requirement is asked alone, then together with the others. */

import t from 'tap'
import fc from 'fast-check'
import { Attempt, authenticate } from '../../lib/request/authenticate'
import { add, type Requirement } from '../../lib/requirement/combine'
import { toPlan } from '../../lib/requirement/plan'
import { readSecurity } from '../../lib/requirement/read'
import { createScheme } from '../../lib/scheme'
import { apiKeyHeader } from '../../lib/schemes/api-key'
import type { Scheme } from '../../types/scheme'
import { registration } from './helpers'

// A key is the scopes that it grants, `-` that it is refused, `!` that only further checks refuse it.
function verify (key: string): { key: string, scopes: string[] } | null {
  return key.includes('-') ? null : { key, scopes: key.split('') }
}
const isActive = (user: any): boolean => !user.key.includes('!')

interface Family { readonly field: string, readonly schemes: readonly Scheme[] }

const families: readonly Family[] = [['x-a', true], ['x-b', true], ['x-c', false], ['x-d', false]].map(([field, autoError]) => {
  const base = createScheme(apiKeyHeader({ name: field, schemeName: field, autoError, verify }), registration)
  return { field: field as string, schemes: [base, base.derive({ verify: isActive }), base.derive({ scopes: ['s'] })] }
})
// Its base has no `verify`: the first check that verifies is derived.
const open = createScheme(apiKeyHeader({ name: 'x-e', schemeName: 'x-e' }), registration)
const parsed = open.derive({ verify: (_user, { credentials }) => verify(credentials as string) })
// Two checks stand side by side, each with scopes of its own for one key.
const siblings = createScheme(apiKeyHeader({ name: 'x-f', schemeName: 'x-f' }), registration)
const left = siblings.derive({ verify: (_user, { credentials }) => verify(String(credentials).split('/')[0] as string) })
const right = siblings.derive({ verify: (_user, { credentials }) => verify(String(credentials).split('/')[1] ?? '-') })
const sideBySide: Family = { field: 'x-f', schemes: [left, right, left.derive({ verify: isActive })] }

const all: readonly Family[] = [...families, { field: 'x-e', schemes: [open, parsed, parsed.derive({ verify: isActive })] }]

function securityOf (drawn: readonly Family[]): fc.Arbitrary<unknown[]> {
  const entry = fc.record({
    scheme: fc.constantFrom(...drawn.flatMap(({ schemes }) => schemes)),
    scopes: fc.subarray(['r', 's'])
    // Alone, nothing verifies it, so that no scopes are compared.
  }).map(({ scheme, scopes }) => ({ scheme, scopes: scheme === open ? [] : scopes }))
  const alternative = fc.oneof(
    { weight: 4, arbitrary: entry },
    { weight: 3, arbitrary: fc.array(entry, { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constant({}) }
  )
  return fc.array(alternative, { minLength: 1, maxLength: 3 })
}
const keys = [undefined, undefined, '', '\x01', '-', 'x', 'r', 's', 'rs', 'rs!']
const headersOf = (drawn: readonly Family[]): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(drawn.map(({ field }) => [field, fc.constantFrom(...keys, ...field === 'x-f' ? ['rs/r', 'r/rs', 'rs!/rs', 's/-'] : [])])))

function accepts (requirement: Requirement | null, sent: object): boolean {
  const source = { headers: sent, query: {}, raw: {}, server: {} } as any
  const attempt = new Attempt({} as any, toPlan(requirement), source, 'always', null)
  if (authenticate(attempt) !== attempt) throw new Error('a synchronous verify must not wait')
  return attempt.accepted !== null
}

t.test('what contexts and a route require together is accepted where each alone accepts the same request, and nowhere else', async (t) => {
  let accepted = 0
  let refused = 0
  fc.assert(fc.property(fc.array(securityOf(all), { minLength: 2, maxLength: 3 }), headersOf(all), (written, sent) => {
    const lists = written.map((each) => readSecurity('x', each, registration))
    let together: Requirement | null = null
    try {
      for (const list of lists) together = add('x', together, list)
    } catch (error) {
      // More alternatives than can be meant fail the boot.
      return (error as { code?: string }).code === 'FST_AUTH_BAD_SECURITY'
    }
    const alone = lists.every((list) => accepts(list, sent))
    if (alone) accepted++
    else refused++
    return accepts(together, sent) === alone
  }), { numRuns: 20_000, seed: 20261125 })
  t.ok(accepted > 2000 && refused > 2000, `${accepted} accepted, ${refused} refused`)
})

t.test('checks that stand side by side accept together only what each accepts alone', async (t) => {
  const drawn = [sideBySide, ...families.slice(1, 3)]
  let accepted = 0
  fc.assert(fc.property(fc.array(securityOf(drawn), { minLength: 2, maxLength: 3 }), headersOf(drawn), (written, sent) => {
    const lists = written.map((each) => readSecurity('x', each, registration))
    let together: Requirement | null = null
    for (const list of lists) together = add('x', together, list)
    if (!accepts(together, sent)) return true
    accepted++
    return lists.every((list) => accepts(list, sent))
  }), { numRuns: 10_000, seed: 20261125 })
  t.ok(accepted > 1000, `${accepted} accepted`)
})
