/**
 * Writes reference.md from the docstrings of every exported name, and fails where one has none. `--check` writes
 * nothing, and fails where the page is not what it would write.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../', import.meta.url))
const page = join(root, 'docs/reference.md')

/** The order of the page. Every exported name stands in one section, and every section has names of one entry. */
const SECTIONS = [
  {
    title: 'Options of the plugin',
    from: 'lib/index.ts',
    names: ['authSchemes', 'AuthSchemesOptions', 'HookName']
  },
  {
    title: 'Scheme factories',
    from: 'lib/index.ts',
    names: [
      'AuthSchemes', 'SchemeFactories', 'SchemeFactory', 'SchemeFactoryWithDefaults', 'SchemeOptions', 'APIKeyOptions',
      'HTTPBaseOptions', 'HTTPBasicOptions', 'BearerOptions', 'HTTPBearerOptions', 'OAuth2PasswordBearerOptions',
      'OAuth2AuthorizationCodeBearerOptions', 'OAuth2ClientCredentialsBearerOptions', 'OAuth2Options', 'OAuth2Flows',
      'OAuth2Flow', 'ScopeDescriptions', 'OpenIdConnectOptions', 'MutualTLSOptions', 'TrustedOriginsOptions',
      'ProtectedResourceOptions', 'HTTPAuthorizationCredentials', 'HTTPBasicCredentials'
    ]
  },
  {
    title: 'Scheme objects',
    from: 'lib/index.ts',
    names: [
      'Scheme', 'ProtectedResource', 'Verify', 'VerifyContext', 'Refusal', 'DeriveOptions', 'DerivedVerify',
      'MaybePromise'
    ]
  },
  {
    title: '`security` and `request.auth`',
    from: 'lib/index.ts',
    names: ['Security', 'Alternative', 'Requirement', 'Anonymous', 'Auth', 'AuthOf', 'AnyAuth', 'TokenOf']
  },
  {
    title: 'The token endpoint',
    from: 'lib/index.ts',
    names: [
      'TokenForm', 'TokenFormOptions', 'Grants', 'GrantHandler', 'TokenFormHandler', 'GrantedToken', 'TokenResponse',
      'OAuth2PasswordForm', 'OAuth2RefreshTokenForm', 'OAuth2ClientCredentialsForm', 'OAuth2AuthorizationCodeForm',
      'OAuth2PasswordRequestForm', 'OAuth2PasswordRequestFormStrict', 'OAuth2RefreshTokenRequestForm',
      'OAuth2ClientCredentialsRequestForm', 'OAuth2AuthorizationCodeRequestForm', 'refuseCrossSite', 'verifyPkce',
      'constantTimeEqual'
    ]
  },
  { title: 'Errors', from: 'lib/index.ts', names: ['InvalidCredentialsError', 'OAuth2Error', 'OAuth2ErrorCode'] },
  {
    title: 'The list of routes',
    from: 'lib/index.ts',
    names: ['AuditedRoute', 'ContextRequirement', 'SecurityRequirementObject']
  },
  {
    title: '`fastify-auth-schemes/jwt`',
    from: 'lib/jwt/index.ts',
    names: [
      'jwtVerifier', 'JwtVerifierOptions', 'JsonWebKeySet', 'jwtIssuer', 'JwtIssuerOptions', 'JwtIssuer',
      'TokenVerifier', 'TokenClaims'
    ]
  },
  {
    title: '`fastify-auth-schemes/introspection`',
    from: 'lib/introspection/index.ts',
    names: [
      'introspectionVerifier', 'IntrospectionVerifierOptions', 'IntrospectionOptions', 'IntrospectionClient',
      'IntrospectedToken'
    ]
  }
]

/** Steps of other types, which no user names. */
const UNNAMED = ['AcceptedUser', 'AuthOrAny', 'CredentialsOf', 'kAuth', 'Made', 'OverrideAuth', 'UserOf']

/** The names by which readers know what is added to Fastify. */
const ADDED = { FastifyInstance: 'app.', FastifyRequest: 'request.', RouteShorthandOptions: 'Route option ' }

const problems = []
const entries = [...new Set(SECTIONS.map(({ from }) => from))]
const program = ts.createProgram(entries.map((file) => join(root, file)), {
  target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, strict: true, types: ['node']
})
const checker = program.getTypeChecker()
const fileOf = (node) => node.getSourceFile().fileName.slice(root.length)
// Names of Fastify have declarations of ours beside its own.
const isOurs = (symbol) => symbol.declarations?.every((node) => /^(?:lib|types)\//.test(fileOf(node)))
const resolve = (symbol) => symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

/** The exported names of an entry, each with its symbol. */
function exportsOf (entry) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, entry)))
  return new Map(checker.getExportsOfModule(module).map((symbol) => [symbol.name, resolve(symbol)]))
}

const listed = new Set(SECTIONS.flatMap(({ names }) => names))
// The type of a schema is described with the schema.
const typeOfSchema = (name) => listed.has(name.replace(/Schema$/, '')) && /Schema$/.test(name)

// GitHub's names of headings, which lead to a name from everywhere.
const anchors = new Map()
function anchor (heading) {
  const slug = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
  const same = [...anchors.values()].filter((other) => other.replace(/-\d+$/, '') === slug).length
  anchors.set(heading, same === 0 ? slug : `${slug}-${same}`)
}
const linkTo = (heading) => `[${heading}](#${anchors.get(heading)})`

const oneLine = (text) => text.replace(/\s*\n\s*/g, ' ')

/** Code in a line of text, in which names lead to their place. */
function code (text) {
  const escaped = oneLine(text).replaceAll('( ', '(').replaceAll(' )', ')')
    .replace(/[[\]*|]/g, '\\$&').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<code>${escaped.replace(/(?<!')\b[A-Z]\w+\b/g, (name) => listed.has(name) ? linkTo(name) : name)}</code>`
}

/** The docstring of a declaration: its text, and a line for each parameter and for what is thrown. */
function docOf (node, name) {
  const text = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc)?.comment) ?? ''
  const tags = ts.getJSDocTags(node)
  const ofTag = (tag) => oneLine(ts.getTextOfJSDocComment(tag.comment) ?? '')
  const parameters = tags.filter(ts.isJSDocParameterTag).map((tag) => `- \`${tag.name.text}\`: ${ofTag(tag)}`)
  const thrown = tags.filter(ts.isJSDocThrowsTag).map((tag) => {
    const [, type] = /^\{(\w+)\}$/.exec(tag.typeExpression?.getText() ?? '') ?? []
    return `- throws ${type === undefined ? '' : `\`${type}\` `}${ofTag(tag)}`
  })
  if (text === '' && parameters.length === 0) problems.push(`${name} has no docstring`)
  return { text, list: [...parameters, ...thrown].join('\n') }
}

const isInternal = (node) => ts.getJSDocCommentsAndTags(node).some((comment) => comment.getText().includes('@internal'))

/** A type that a declaration names is exported, or one of `UNNAMED`. */
function checkNames (node) {
  if (ts.isTypeReferenceNode(node)) {
    const name = node.typeName.getText()
    const symbol = resolve(checker.getSymbolAtLocation(node.typeName))
    const isNamed = listed.has(name) || typeOfSchema(name) || UNNAMED.includes(name)
    if (!isNamed && !(symbol.flags & ts.SymbolFlags.TypeParameter) && isOurs(symbol)) {
      problems.push(`${name} is not exported, and ${fileOf(node)} names it`)
    }
  }
  if (!ts.isBlock(node)) ts.forEachChild(node, checkNames)
}

const typeOf = (node) =>
  node.type?.getText() ?? checker.typeToString(checker.getTypeAtLocation(node)).replaceAll('"', "'")

/** A member as an item of a list: its name and type, then its docstring. */
function itemOf (member, owner) {
  const name = ts.isIndexSignatureDeclaration(member) ? `[${member.parameters[0].getText()}]` : member.name.getText()
  const mark = member.questionToken === undefined ? '' : '?'
  const type = ts.isMethodSignature(member) ? member.getText().slice(name.length).trim() : typeOf(member)
  const { text, list } = docOf(member, `${owner}.${name}`)
  const doc = [text, list].filter(Boolean).join('\n\n').replace(/^(?=.)/gm, '  ')
  return `- **\`${name}${mark}\`**: ${code(type)}\\\n${doc}`
}

/** The members of an interface or a class, those of bases that are not exported included. */
function membersOf (node) {
  const own = node.members.filter((member) => member.name === undefined || !isInternal(member))
    .filter((member) => !ts.isConstructorDeclaration(member) && !ts.isCallSignatureDeclaration(member))
  const names = new Set(own.map((member) => member.name?.getText()))
  const inherited = basesOf(node).filter((base) => !listed.has(base.getText()))
    .flatMap((base) => resolve(checker.getSymbolAtLocation(base.expression))?.declarations ?? [])
    .filter((base) => ts.isInterfaceDeclaration(base) && isOurs(base.symbol))
    .flatMap(membersOf)
  return [...own, ...inherited.filter((member) => !names.has(member.name?.getText()))]
}

const basesOf = (node) => (node.heritageClauses ?? []).flatMap(({ types }) => [...types])

const block = (text) => `\`\`\`ts\n${text.replace(/^export (?:declare )?/, '').trim()}\n\`\`\``

/** The text of a declaration up to its body. */
function headOf (node) {
  const end = node.body?.getStart() ?? node.members.pos - 1
  return node.getSourceFile().text.slice(node.getStart(), end).replace(/(?:export|override) /g, '').trim()
}

/** The section of one name: the docstring, the declaration, the members. */
function describe (name, symbol) {
  // A constant and the type of its values share a name.
  const { valueDeclaration: value = symbol.declarations[0] } = symbol
  const declarations = symbol.declarations.filter((node) => node === value || !ts.isTypeAliasDeclaration(node))
  const { text, list } = docOf(value, name)
  const parts = [`### ${name}`, text]
  for (const node of declarations) {
    checkNames(node)
    if (ts.isTypeAliasDeclaration(node)) parts.push(block(node.getText()))
    else if (ts.isFunctionDeclaration(node)) parts.push(block(headOf(node)), list)
    else if (!ts.isVariableDeclaration(node)) parts.push(...describeMembers(name, node))
    else if (node.type !== undefined) parts.push(block(`const ${name}: ${typeOf(node)}`))
  }
  if (schemas.has(`${name}Schema`)) parts.push(`The type of the schema is \`${name}Schema\`.`)
  return parts.filter(Boolean).join('\n\n')
}

function describeMembers (name, node) {
  const outdent = (text) => text.replace(/^ {2}/gm, '')
  const constructors = node.members.filter(ts.isConstructorDeclaration).flatMap((made) => {
    const { text, list } = docOf(made, `new ${name}`)
    return [block(outdent(headOf(made).replace('constructor', `new ${name}`))), text, list]
  })
  const calls = node.members.filter(ts.isCallSignatureDeclaration).map((call) => outdent(call.getFullText()).trim())
  const bases = basesOf(node)
    .filter((base) => listed.has(base.getText()) || !isOurs(resolve(checker.getSymbolAtLocation(base.expression))))
    .map((base) => code(base.getText()))
  return [
    node.typeParameters === undefined ? '' : block(headOf(node)),
    ...constructors,
    calls.length === 0 ? '' : block(calls.join('\n')),
    bases.length === 0 ? '' : `The members of ${bases.join(' and ')}${node.members.length > 0 ? ', and:' : '.'}`,
    membersOf(node).map((member) => itemOf(member, name)).join('\n')
  ]
}

/** The additions of types/fastify.ts to Fastify's own types. */
function added () {
  const [module] = program.getSourceFile(join(root, 'types/fastify.ts')).statements.filter(ts.isModuleDeclaration)
  return module.body.statements.filter((node) => node.name.text in ADDED).reverse().flatMap((node) => node.members
    .filter((member) => ts.isPropertySignature(member) && !isInternal(member))
    .map((member) => {
      const name = ADDED[node.name.text] + member.name.getText()
      const heading = name.replace(/([\w.]+)$/, '`$1`')
      const { text, list } = docOf(member, name)
      const describe = () => [`### ${heading}`, code(member.type.getText()), text, list].filter(Boolean).join('\n\n')
      return { heading, describe }
    }))
}

const additions = added()
const sections = [
  {
    title: 'Added to Fastify',
    names: additions.map(({ heading }) => heading),
    describe: () => additions.map(({ describe }) => describe())
  },
  ...SECTIONS.map(({ title, from, names }) => {
    const exported = exportsOf(from)
    for (const name of names) if (!exported.has(name)) problems.push(`${name} is not exported by ${from}`)
    const present = names.filter((name) => exported.has(name))
    return { title, names, describe: () => present.map((name) => describe(name, exported.get(name))) }
  })
]
for (const heading of sections.flatMap(({ title, names }) => [title, ...names])) anchor(heading)

const exported = entries.flatMap((entry) => [...exportsOf(entry).keys()])
const schemas = new Set(exported.filter(typeOfSchema))
for (const name of exported.filter((name) => name !== 'default' && !listed.has(name) && !schemas.has(name))) {
  problems.push(`${name} is exported, and in no section of docs/reference.mjs`)
}

const written = `${[
  '# Reference',
  'All that the package adds to Fastify, and every exported name. The texts are those of the docstrings.',
  sections.map(({ title, names }) => `- ${linkTo(title)}: ${names.map(linkTo).join(', ')}`).join('\n'),
  ...sections.flatMap(({ title, describe }) => [`## ${title}`, ...describe()])
].join('\n\n')}\n`

const isCheck = process.argv.includes('--check')
if (isCheck && problems.length === 0 && written !== readFileSync(page, 'utf8')) {
  problems.push('docs/reference.md is not what the docstrings say: run npm run reference')
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else if (!isCheck) writeFileSync(page, written)
