/** The document and the responses of a drawn application, worked out from the drawing alone. */

import { demandsBody, entriesByName, hasNotFound, nameOf, type Place } from './applications-build'
import { AMBIENT, OPENAPI, OWN_ORIGIN, RESOURCES, resourceOf, type ApplicationModel, type EntryModel, type RouteModel, type SchemeModel, type SecurityModel, type SentModel } from './applications-model'

/** A scheme that is required: the scopes, and how many of the checks derived from it follow its own. */
interface Member { readonly scheme: number, readonly scopes: readonly string[], readonly checks: number }

/** Schemes that must all accept, the one that `request.auth` is then of, and groups that were left out: in each one must be absent, none malformed. */
interface Alternative { readonly members: readonly Member[], readonly own: number | null, readonly leftOut: ReadonlyArray<readonly number[]> }

/** Any one must hold. `null`: nothing is said. Empty: it is public. */
type Requirement = readonly Alternative[] | null

type Sent = SentModel & { readonly method: string }

/** The requirement at one lifecycle hook of a request. */
interface Question { readonly step: Step, readonly requirement: Requirement, readonly isDeclared: boolean }

const STEPS = ['onRequest', 'preParsing', 'parsing', 'preValidation', 'validation', 'preHandler'] as const
type Step = typeof STEPS[number]

/** How a request must be answered. `ran`: what the handler sees as `request.auth`, where it runs; `challenges` are not foretold where they are `null`; `leads`: that of a resource comes first. */
export interface Expected { readonly status: number, readonly ran?: string, readonly challenges?: readonly string[] | null, readonly leads?: boolean }

const ANONYMOUS: Alternative = { members: [], own: null, leftOut: [] }

/** The rules for one application. */
export class Reference {
  constructor (readonly model: ApplicationModel) {}

  /** The `security` of an operation; `null`: none. */
  securityOf (place: Place, route: RouteModel): Array<Record<string, readonly string[]>> | null {
    const { required, inHook } = this.#parts(place, route)
    const requirement = inHook === null ? required : add(required, inHook)
    if (requirement === null) return null
    const written = requirement.map(({ members }) => Object.fromEntries(members.map(({ scheme, scopes }) => [this.#name(scheme), scopes])))
    const distinct = [...new Map(written.map((alternative) => [JSON.stringify(Object.entries(alternative).sort()), alternative])).values()]
    const isAnonymous = (alternative: object): boolean => Object.keys(alternative).length === 0
    return [...distinct.filter((alternative) => !isAnonymous(alternative)), ...distinct.filter(isAnonymous)]
  }

  /** True if a scheme in a hook of the route stands beside another requirement, and one of them is optional: no document has a form for that. */
  isContradictory (place: Place, route: RouteModel): boolean {
    const { required, inHook } = this.#parts(place, route)
    return inHook !== null && required !== null && required.length > 0 && [...required, ...inHook].some(({ members }) => members.length === 0)
  }

  /** How a route must answer. */
  answerOf (place: Place, route: RouteModel, method: string, sent: SentModel): Expected {
    const { required, inHook } = this.#parts(place, route)
    const questions: Question[] = [{ step: this.model.hook, requirement: required, isDeclared: true }]
    if (inHook !== null) questions.push({ step: route.hook?.name as Step, requirement: inHook, isDeclared: false })
    const body = method === 'POST' ? sent.body : 'none'
    const fails: Step[] = [
      ...body === 'unparsable' ? ['parsing' as const] : [],
      ...demandsBody(route) && body !== 'valid' ? ['validation' as const] : []
    ]
    return this.#ask(questions, fails, 200, { ...sent, method })
  }

  /** True if each part of the requirement, a context's or the route's own, accepts the request alone: only then may both together. */
  acceptsEachAlone ({ contexts }: Place, { security, byName }: RouteModel, sent: Sent): boolean {
    const parts: Requirement[] = contexts.map(({ secure }) => secure === null ? null : this.#read(secure, false))
    if (security !== 'says nothing') parts.push(this.#read(security, byName))
    // An empty list makes public whatever stands before it.
    return parts.slice(parts.findLastIndex((part) => part?.length === 0) + 1).every((part) => !('status' in this.#judge(part, sent)))
  }

  /** How a URL without a route must answer. */
  notFoundOf ({ contexts }: Place, sent: SentModel): Expected {
    const handler = contexts.findLastIndex((context, index) => hasNotFound(context, index === 0))
    const requirement = this.#around(contexts.slice(0, Math.max(handler, 0) + 1))
    const answer = this.#ask([{ step: this.model.hook, requirement, isDeclared: true }], [], 404, { ...sent, method: 'GET' })
    return handler === -1 && answer.status === 404 ? { status: 404, challenges: [] } : answer
  }

  #name (scheme: number): string { return nameOf(this.model.schemes[scheme] as SchemeModel, scheme) }

  #factory (scheme: number): SchemeModel['factory'] { return (this.model.schemes[scheme] as SchemeModel).factory }

  /** The requirements of a route's guard and of the scheme in its own hook. */
  #parts ({ contexts }: Place, { security, byName, hook }: RouteModel): { required: Requirement, inHook: Requirement } {
    const around = this.#around(contexts)
    const own = security === 'says nothing' ? null : this.#read(security, byName)
    const inHook = hook === null ? null : this.#read([{ ...hook.entry, scopes: [] }], false)
    // The scheme in the hook is the route's own, where it names no other.
    const given = own === null && inHook !== null ? around?.map((alternative) => ({ ...alternative, own: null })) ?? null : around
    return { required: add(given, own), inHook }
  }

  /** The requirement of the contexts, the innermost of which decides `request.auth`, if it names a scheme. */
  #around (contexts: Place['contexts']): Requirement {
    return contexts.reduce<Requirement>((around, { secure }) => add(around, secure === null ? null : this.#read(secure, false), true), null)
  }

  #read (security: SecurityModel, byName: boolean): readonly Alternative[] {
    const written = security.flatMap((alternative) => {
      if (alternative === 'anonymous') return [ANONYMOUS]
      const entries = [alternative].flat() as EntryModel[]
      return this.#choices(byName ? entriesByName(entries, this.model.schemes.length) : entries)
    })
    const needed = written.filter(({ members }) => members.length > 0)
    const nobody = { ...ANONYMOUS, leftOut: needed.map(({ members }) => members.map(({ scheme }) => scheme)) }
    return distinct(needed.length === written.length ? needed : [...needed, nobody])
  }

  /** Members with `autoError: false` may be missing: all first, none last. */
  #choices ([first, ...others]: readonly EntryModel[]): Alternative[] {
    if (first === undefined) return [ANONYMOUS]
    const scheme = first.scheme % this.model.schemes.length
    const { derived, autoError } = this.model.schemes[scheme] as SchemeModel
    const checks = first.depth % (derived.length + 1)
    const member = { scheme, checks, scopes: [...first.scopes, ...derived.slice(0, checks).flatMap(({ scopes }) => scopes)] }
    return this.#choices(others).flatMap((rest) => {
      const whole = together({ members: [member], own: scheme, leftOut: [] }, rest, scheme)
      return autoError ? [whole] : [whole, { ...rest, leftOut: [[scheme], ...rest.leftOut] }]
    })
  }

  #ask (questions: readonly Question[], fails: readonly Step[], status: number, sent: Sent): Expected {
    let auth: number | null = null
    // A challenge for missing scopes repeats those that an earlier hook has accepted for the same scheme.
    const granted: Member[] = []
    for (const step of STEPS) {
      if (fails.includes(step)) return { status: 400, challenges: [] }
      for (const { requirement, isDeclared } of questions.filter((question) => question.step === step)) {
        const verdict = this.#judge(requirement, sent, granted)
        if ('status' in verdict) return verdict
        granted.push(...verdict.members)
        if (verdict.own !== null && (isDeclared || auth === null)) auth = verdict.own
      }
    }
    return { status, ran: auth === null ? 'anonymous' : this.#name(auth), challenges: [] }
  }

  /** Asks the alternatives in order. The worst news that is true is told. */
  #judge (requirement: Requirement, sent: Sent, granted: readonly Member[] = []): Alternative | Expected {
    if (requirement === null || requirement.length === 0) return ANONYMOUS
    const refused = new Map<string, string | undefined>()
    const insufficient = new Set<string>()
    const thrown: number[] = []
    let isCrossSite = false
    for (const alternative of requirement) {
      const { members, leftOut } = alternative
      const texts = members.map(({ scheme }) => found(sent, this.#factory(scheme)))
      const others = leftOut.map((group) => group.map((scheme) => found(sent, this.#factory(scheme))))
      if ([texts, ...others].some((group) => group.includes(MALFORMED)) || texts.includes(ABSENT)) continue
      const present = leftOut.filter((_, i) => others[i]?.includes(ABSENT) !== true)
      const isAllowed = (scheme: number): boolean => !comesFromElsewhere(this.model.schemes[scheme] as SchemeModel, sent)
      // Of what must be absent and is there: what may not come from elsewhere is refused, the rest stands against it.
      if (present.some((group) => group.every(isAllowed))) continue
      if (present.length > 0 || !members.every(({ scheme }) => isAllowed(scheme))) {
        isCrossSite = true
        continue
      }
      let accepted = true
      for (const [i, member] of members.entries()) {
        const outcome = this.#check(member, texts[i] as string)
        if (outcome.says === 'failed') return { status: outcome.status as number, challenges: null }
        if (outcome.says === 'refused') refused.set(keyOf(member), outcome.description)
        if (outcome.says === 'insufficient') insufficient.add(keyOf(member))
        if (outcome.says === 'refused' && outcome.status !== undefined) thrown.push(outcome.status)
        accepted &&= outcome.says === 'accepted'
        if (!accepted) break
      }
      if (accepted) return alternative
    }
    const members = requirement.flatMap(({ members }) => members)
    if (insufficient.size > 0) {
      const missing = members.filter((member) => insufficient.has(keyOf(member))).map((member) => {
        const earlier = granted.filter(({ scheme }) => scheme === member.scheme).flatMap(({ scopes }) => scopes)
        return { ...member, scopes: [...new Set([...earlier, ...member.scopes])].sort() }
      })
      return { status: 403, ...this.#challenges(missing, () => 'insufficient_scope') }
    }
    if (isCrossSite) return { status: 403, challenges: [] }
    // Of several refusals, one that was thrown says more than one that was returned.
    const status = thrown[0] ?? 401
    if (status === 403) return { status, challenges: null }
    return { status, ...this.#challenges(members, (member) => refused.has(keyOf(member)) ? 'invalid_token' : undefined, (member) => refused.get(keyOf(member))) }
  }

  #check ({ scheme, scopes, checks }: Member, text: string): Outcome {
    const model = this.model.schemes[scheme] as SchemeModel
    const { verify, derived } = model
    const own: Outcome = verify === 'none' ? { says: 'accepted' } : outcomeOf(text, scopes, resourceOf(model))
    // The scopes are those of the first user that there is. One who is nobody yet becomes an object without scopes.
    let isKnown = verify !== 'none'
    return derived.slice(0, checks).reduce<Outcome>((outcome, further) => {
      if (outcome.says !== 'accepted' || further.verify === 'none') return outcome
      const required = isKnown ? [] : scopes
      isKnown = true
      return outcomeOf(further.answer === 'user' ? 'true' : further.answer, required)
    }, own)
  }

  #challenges (members: readonly Member[], errorOf: (member: Member) => string | undefined, descriptionOf: (member: Member) => string | undefined = () => undefined): Pick<Expected, 'challenges' | 'leads'> {
    const lines = members.map((member) => {
      const { type, scheme } = OPENAPI[this.#factory(member.scheme)]
      if (type === 'apiKey') return 'APIKey'
      if (type === 'mutualTLS') return 'ClientCertificate'
      if (scheme !== undefined && scheme !== 'bearer') return `${scheme.charAt(0).toUpperCase()}${scheme.slice(1)}`
      const error = errorOf(member)
      const resource = this.#resource(member.scheme)
      const description = descriptionOf(member)
      const parameters = [
        ...resource === null ? [] : [`resource_metadata="${resource.metadataUrl}"`],
        ...error === undefined ? [] : [`error="${error}"`],
        ...member.scopes.length === 0 ? [] : [`scope="${member.scopes.join(' ')}"`],
        ...description === undefined ? [] : [`error_description="${description}"`]
      ]
      return parameters.length === 0 ? 'Bearer' : `Bearer ${parameters.join(', ')}`
    })
    return { challenges: [...new Set(lines)].sort(), leads: members.some(({ scheme }) => this.#resource(scheme) !== null) }
  }

  #resource (scheme: number): ReturnType<typeof resourceOf> { return resourceOf(this.model.schemes[scheme] as SchemeModel) }

  /** The scopes in the metadata of each resource, by its path: those that routes require of its schemes. */
  metadata (places: readonly Place[]): Map<string, object> {
    const used = RESOURCES.filter((resource) => this.model.schemes.some((scheme) => resourceOf(scheme) === resource))
    const members = places.flatMap((place) => place.routes.flatMap(({ route }) => {
      const { required, inHook } = this.#parts(place, route)
      return ((inHook === null ? required : add(required, inHook)) ?? []).flatMap(({ members }) => members)
    }))
    return new Map(used.map((resource) => {
      const scopes = new Set(members.filter(({ scheme }) => this.#resource(scheme) === resource).flatMap(({ scopes }) => scopes))
      const body = { resource: resource.url, authorization_servers: ['https://as.example'], bearer_methods_supported: ['header'] }
      return [new URL(resource.metadataUrl).pathname, { ...body, ...scopes.size === 0 ? {} : { scopes_supported: [...scopes].sort() } }]
    }))
  }
}

const keyOf = (member: Member): string => JSON.stringify([member.scheme, member.scopes])

/** The alternatives without those that contradict themselves or require the same as an earlier one, nobody last. */
function distinct (alternatives: readonly Alternative[]): readonly Alternative[] {
  const known = new Map<string, Alternative>()
  for (const alternative of alternatives) {
    const { members, leftOut } = alternative
    if (leftOut.some((group) => group.every((scheme) => members.some((member) => member.scheme === scheme)))) continue
    const key = JSON.stringify([members.map((member) => JSON.stringify(member)).sort(), [...new Set(leftOut.map((group) => String([...group].sort())))].sort()])
    if (!known.has(key)) known.set(key, alternative)
  }
  const all = [...known.values()]
  return [...all.filter(({ members }) => members.length > 0), ...all.filter(({ members }) => members.length === 0)]
}

/** Both hold. What is asked twice of a scheme is asked once, for all the scopes. */
function together (first: Alternative, second: Alternative, own: number | null): Alternative {
  const members = new Map<number, Member>()
  for (const { scheme, scopes, checks } of [...first.members, ...second.members]) {
    const known = members.get(scheme)
    members.set(scheme, { scheme, scopes: [...new Set([...known?.scopes ?? [], ...scopes])].sort(), checks: Math.max(checks, known?.checks ?? 0) })
  }
  return { members: [...members.values()], own, leftOut: [...first.leftOut, ...second.leftOut] }
}

/** The requirement of a child beside that of its parent: both must hold, unless one declares none or is public. */
function add (around: Requirement, inner: Requirement, areContexts = false): Requirement {
  if (inner === null) return around
  if (around === null || around.length === 0 || inner.length === 0) return inner
  return distinct(around.flatMap((outer) => inner.map((alternative) => together(outer, alternative, areContexts ? alternative.own ?? outer.own : alternative.own))))
}

/** True if a page of another origin made a browser send credentials of the scheme. */
function comesFromElsewhere ({ factory, trustedOrigins }: SchemeModel, { method, origin, site, upgrade }: Sent): boolean {
  if (!AMBIENT.includes(factory) || trustedOrigins === '*') return false
  if (['GET', 'HEAD', 'OPTIONS'].includes(method) && !upgrade) return false
  if (origin !== null && trustedOrigins?.includes(origin as never) === true) return false
  return site === null ? origin !== null && origin !== OWN_ORIGIN : site === 'same-site' || site === 'cross-site'
}

const ABSENT = Symbol('absent')
const MALFORMED = Symbol('malformed')

/** The text that a request carries for a scheme. */
function found ({ authorization, header, query, cookie, certificate }: SentModel, factory: SchemeModel['factory']): string | typeof ABSENT | typeof MALFORMED {
  const { type, in: place, scheme: wanted = 'bearer' } = OPENAPI[factory]
  if (type === 'apiKey') {
    const value = place === 'header' ? header : place === 'query' ? query : cookie
    return Array.isArray(value) ? MALFORMED : value === null || value === '' ? ABSENT : value as string
  }
  if (type === 'mutualTLS') return certificate === null ? ABSENT : certificate === '' ? MALFORMED : certificate
  if (authorization === null) return ABSENT
  const { scheme, value } = authorization
  // Any `Authorization` will do, and it is the bearer token that says what to do with it.
  if (factory === 'oauth2') return scheme.toLowerCase() === 'bearer' ? value ?? scheme : `${scheme} …`
  if (scheme.toLowerCase() !== wanted) return ABSENT
  if (value === null) return wanted === 'basic' ? MALFORMED : ABSENT
  // Digest and others are taken as they are.
  return value.includes('"') && (wanted === 'basic' || wanted === 'bearer') ? MALFORMED : value
}

interface Outcome { readonly says: 'accepted' | 'refused' | 'insufficient' | 'failed', readonly status?: number, readonly description?: string }

/** Returns the outcome that the credentials name. */
function outcomeOf (text: string, required: readonly string[], resource: typeof RESOURCES[number] | null = null): Outcome {
  const [kind, ...granted] = text.split('.') as [string, ...string[]]
  if (resource !== null && ['true', 'zero', 'empty', 'strange', 'object', 'scope'].includes(kind)) {
    const meant = granted.filter((audience) => audience.startsWith('@'))
    if (meant.length === 0 || !['object', 'scope'].includes(kind)) return { says: 'failed', status: 500 }
    if (!meant.includes(`@${RESOURCES.indexOf(resource)}`)) return { says: 'refused', status: 401, description: 'The token is not meant for this API' }
  }
  switch (kind) {
    case 'throws': case 'error': case 'throwsText': case 'throwsUndefined': return { says: 'failed', status: 500 }
    case 'throws418': return { says: 'failed', status: 418 }
    case 'throws401': return { says: 'refused', status: 401 }
    case 'throws403': return { says: 'refused', status: 403 }
    case 'true': case 'zero': case 'empty': case 'strange': return { says: required.length === 0 ? 'accepted' : 'insufficient' }
    case 'object': case 'scope': return { says: required.every((scope) => granted.includes(scope)) ? 'accepted' : 'insufficient' }
    default: return { says: 'refused' }
  }
}
