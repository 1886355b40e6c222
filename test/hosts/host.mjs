/** Hosts: projects with the packed package and some versions of Fastify, @fastify/swagger and @fastify/cookie. */

import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse } from 'yaml'

// The program comes first, and then the files that it imports.
const PROGRAM = ['documents-and-responses.mjs', 'application.mjs', 'refused-applications.mjs']
const folder = dirname(fileURLToPath(import.meta.url))
const root = join(folder, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const versionsOf = (versionOf) => Object.fromEntries(Object.entries(manifest.peerDependencies).map(versionOf))

/** The lowest versions that package.json allows. */
export const LOWEST = versionsOf(([name, range]) => [name, range.replace('^', '')])

/** The versions that are installed in this repository. */
export const LATEST = versionsOf(([name]) =>
  [name, JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version])

const execute = promisify(execFile)

/** The output of a program. Where it fails, the message of the error is all that it wrote. */
export async function run (command, args, cwd) {
  const options = { cwd, env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 2 ** 28 }
  const { stdout } = await execute(command, args, options)
    .catch((error) => { throw new Error(`${error.stdout}${error.stderr}` || error.message) })
  return stdout
}

const npm = (args, cwd) => run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], cwd)

/** Packs this repository, which must be built, and returns the path of the file. */
export async function pack (into) {
  const packed = JSON.parse(await npm(['pack', '--json', '--pack-destination', into], root))
  // Some versions of npm write a list, others an object by name.
  const [{ filename }] = Object.values(packed)
  return join(into, filename)
}

/** Makes a project of a packed file and versions, or ranges of versions, by name. */
export async function createHost (project, packed, versions) {
  mkdirSync(project)
  for (const file of PROGRAM) copyFileSync(join(folder, file), join(project, file))
  copyFileSync(packed, join(project, basename(packed)))
  const dependencies = {
    [manifest.name]: `file:./${basename(packed)}`,
    ...versions,
    '@sinclair/typebox': manifest.dependencies['@sinclair/typebox'],
    '@types/node': manifest.devDependencies['@types/node']
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await npm(['install'], project)
}

/** The output of the program in a project; by default, with this repository's own build. YAML is parsed. */
export async function outputOf (project = folder) {
  const { applications, refusals } = JSON.parse(await run(process.execPath, [join(project, PROGRAM[0])], project))
  for (const application of Object.values(applications)) {
    application.yaml = application.yaml.map((yaml) => typeof yaml === 'string' ? parse(yaml) : yaml)
    withoutQuery(application)
  }
  return { applications, refusals }
}

/** `app.all` has the method QUERY from Fastify 5.11 on. The list of routes and the documents show it. */
function withoutQuery ({ json, yaml, seen, audit }) {
  delete audit['QUERY /all']
  delete seen['query /all']
  for (const document of [...json, ...yaml]) delete document.paths?.['/all']?.query
}

/**
 * The path of the first value that differs, with both values, or `null` where all is equal. The order of members is not
 * compared.
 */
export function firstDifference (expected, actual, path = '') {
  if (Object.is(expected, actual)) return null
  if (!isObject(expected) || !isObject(actual) || Array.isArray(expected) !== Array.isArray(actual)) {
    return `${path} is ${textOf(actual)} instead of ${textOf(expected)}`
  }
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const difference = firstDifference(expected[key], actual[key], `${path}[${JSON.stringify(key)}]`)
    if (difference !== null) return difference
  }
  return null
}

const isObject = (value) => typeof value === 'object' && value !== null
const textOf = (value) => String(JSON.stringify(value)).slice(0, 120)
