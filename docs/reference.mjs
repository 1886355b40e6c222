/**
 * Writes reference.md from the docstrings of every exported name, and fails where one has none. `--check` writes nothing, and fails where the page
 * is not what it would write.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Application, ReflectionKind } from 'typedoc'

const here = dirname(fileURLToPath(import.meta.url))
const page = join(here, 'reference.md')
const built = mkdtempSync(join(tmpdir(), 'reference-'))

const app = await Application.bootstrapWithPlugins({
  entryPoints: [join(here, '../lib/index.ts')],
  tsconfig: join(here, '../tsconfig.json'),
  plugin: ['typedoc-plugin-markdown'],
  name: 'Reference',
  out: built,
  router: 'module',
  readme: 'none',
  disableSources: true,
  excludeInternal: true,
  excludeExternals: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  logLevel: 'Warn',
  treatValidationWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // Steps of other types, which no user names.
  intentionallyNotExported: [
    'AcceptedUser', 'AuthOrAny', 'kAuth', 'Made', 'OverrideAuth', 'UserOf', 'CredentialsOf'
  ]
})

const project = await app.convert()
if (project === undefined) process.exit(1)

// What is within a type that has no name, such as the fields of a TypeBox schema, is told where it is used.
const isWithin = (reflection, kinds) => reflection.parent !== undefined && (reflection.parent.kindOf(kinds) || isWithin(reflection.parent, kinds))
const unnamed = project.getReflectionsByKind(ReflectionKind.Property)
  .filter((reflection) => isWithin(reflection, ReflectionKind.TypeLiteral) && !isWithin(reflection, ReflectionKind.Parameter) && !reflection.hasComment())
app.options.setValue('intentionallyNotDocumented', unnamed.map((reflection) => reflection.getFullName()))
app.validate(project)

// typedoc leaves out what is added to other modules.
const MEMBER = /\/\*\*(?<text>(?:(?!\*\/)[^])*)\*\/\s+(?:readonly )?(?<name>\w+)\??: (?<type>.+)/g
const WHERE = { security: 'route option', auth: 'request' }
const added = [...readFileSync(join(here, '../types/fastify.ts'), 'utf8').matchAll(MEMBER)].map(({ groups: { text, name, type } }) => {
  const said = text.replace(/^\s*\* ?/gm, '').trim().replace(/\s*\n\s*/g, ' ').replace(/@throws \{?([`\w]+)\}?/g, '<br>Throws $1')
  return `| \`${name}\` | ${WHERE[name] ?? 'instance'} | ${type.replace(/[A-Z]\w+/g, (used) => `[${used}](#${used.toLowerCase()})`).replace('<[RouteGeneric](#routegeneric)>', '')} | ${said} |`
})
const ADDED = `## Added to Fastify\n\n| Name | On | Type | Description |\n| ------ | ------ | ------ | ------ |\n${added.join('\n')}\n`

await app.generateOutputs(project)
const written = readFileSync(join(built, 'README.md'), 'utf8').replace('# Reference\n', () => `# Reference\n\n${ADDED}`)
rmSync(built, { recursive: true })
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)

if (!process.argv.includes('--check')) writeFileSync(page, written)
else if (written !== readFileSync(page, 'utf8')) {
  console.error('docs/reference.md is not what the docstrings say: run npm run reference')
  process.exit(1)
}
