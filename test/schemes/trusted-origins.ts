import t from 'tap'
import { factories } from '../../lib/schemes'
import { readTrustedOrigins } from '../../lib/schemes/trusted-origins'

t.test('origins are taken as they are listed, once and for all', async (t) => {
  const listed = ['https://app.example', 'capacitor://localhost']
  const origins = readTrustedOrigins('f', listed)
  listed.push('https://evil.example')
  t.strictSame([...origins ?? []], ['https://app.example', 'capacitor://localhost'])
  t.strictSame(readTrustedOrigins('f', Object.freeze(['https://app.example', 'https://app.example'])), new Set(['https://app.example']))
})

t.test('no option and an empty array are no other origin, and the text * is every origin', async (t) => {
  t.strictSame(readTrustedOrigins('f'), new Set())
  t.strictSame(readTrustedOrigins('f', []), new Set())
  t.equal(readTrustedOrigins('f', '*'), null)
})

const ARRAY = "f: the option `trustedOrigins` must be an array of origins, or '*' for every origin"
const NULL = "f: the option `trustedOrigins` must not have 'null': it is the origin of any page that hides its own, such as one in a sandboxed frame"
const has = (value: string): string => `f: the option \`trustedOrigins\` has ${value}, which is no origin as browsers send it: scheme, host and, if it is not ` +
  "the default one, port, in lower case, without a slash at the end, such as 'https://app.example'"

const GOOD = 'https://app.example'
// eslint-disable-next-line no-sparse-arrays
const HOLE = [GOOD, , GOOD]
const bad: ReadonlyArray<readonly [rule: string, value: unknown, message: string]> = [
  ['one origin is no array', GOOD, ARRAY],
  ['null', null, ARRAY],
  ['true', true, ARRAY],
  ['a set', new Set([GOOD]), ARRAY],
  ['an object like an array', { 0: GOOD, length: 1 }, ARRAY],
  ['an empty string', '', ARRAY],
  ['* with a space', ' *', ARRAY],
  ['* in an array', ['*'], has('"*"')],
  ['a part of a host', ['https://*.app.example'], has('"https://*.app.example"')],
  ['the origin null', [GOOD, 'null'], NULL],
  ['null in an array', [null], has('a value of type object')],
  ['undefined in an array', [undefined], has('a value of type undefined')],
  ['a hole in an array', HOLE, has('a value of type undefined')],
  ['an array in an array', [[GOOD]], has('a value of type object')],
  ['a pattern', [/app/], has('a value of type object')],
  ['a URL object', [new URL(GOOD)], has('a value of type object')],
  ['a slash at the end', [`${GOOD}/`], has(`"${GOOD}/"`)],
  ['a path', [`${GOOD}/app`], has(`"${GOOD}/app"`)],
  ['upper case', ['https://App.example'], has('"https://App.example"')],
  ['the default port', [`${GOOD}:443`], has(`"${GOOD}:443"`)],
  ['a host alone', ['app.example'], has('"app.example"')],
  ['a websocket', ['wss://app.example'], has('"wss://app.example"')],
  ['a line break', [`${GOOD}\n`], has(`"${GOOD}\\n"`)]
]
for (const [rule, value, message] of bad) {
  t.test(`it is refused: ${rule}`, async (t) => {
    t.throws(() => readTrustedOrigins('f', value), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message })
  })
}

const REQUIRED = { name: 'k', scheme: 'x', flows: {}, tokenUrl: 't', authorizationUrl: 'a', openIdConnectUrl: 'o' }
const header = { name: 'Client-Cert', from: ['127.0.0.1'], encoding: 'rfc9440' }
const TAKEN: Readonly<Record<string, object>> = { httpBase: { scheme: 'Negotiate' }, apiKeyCookie: { name: 'k' }, httpBasic: {}, httpDigest: {}, mutualTLS: { header } }

t.test('factories of credentials that browsers send by themselves take it, and are closed by default', async (t) => {
  for (const [name, options] of Object.entries(TAKEN)) {
    const factory = factories[name as keyof typeof factories]
    t.strictSame(factory(options, undefined).trustedOrigins, new Set(), name)
    t.strictSame(factory({ ...options, trustedOrigins: [] }, undefined).trustedOrigins, new Set())
    t.strictSame(factory({ ...options, trustedOrigins: [GOOD] }, undefined).trustedOrigins, new Set([GOOD]))
    t.equal(factory({ ...options, trustedOrigins: '*' }, undefined).trustedOrigins, null)
    t.throws(() => factory({ ...options, trustedOrigins: GOOD }, undefined), { name: 'TypeError', message: ARRAY.replace('f', name) })
    t.throws(() => factory({ ...options, trustedOrigins: undefined }, undefined), { name: 'TypeError', message: new RegExp(`^${name}: the option \`trustedOrigins\` is undefined: leave it out`) })
  }
})

t.test('to all other factories it is an unknown option', async (t) => {
  for (const [name, factory] of Object.entries(factories)) {
    if (name in TAKEN) continue
    t.throws(() => factory({ ...REQUIRED, trustedOrigins: [GOOD] }, undefined), { name: 'TypeError', code: 'FST_AUTH_BAD_OPTION', message: new RegExp(`^${name}: there is no option `) })
    const own = Object.fromEntries(Object.entries(REQUIRED).filter(([key]) => takes(factory, key)))
    t.throws(() => factory({ ...own, trustedOrigins: [GOOD] }, undefined), { message: new RegExp(`^${name}: there is no option \`trustedOrigins\`: it takes `) })
    t.equal(factory(own, undefined).trustedOrigins, null, name)
  }
})

/** Returns true if a factory knows an option. */
function takes (factory: (options: object, realm: undefined) => unknown, key: string): boolean {
  try {
    factory({ [key]: undefined }, undefined)
  } catch (error) {
    return !(error as Error).message.includes('there is no option')
  }
  return true
}
