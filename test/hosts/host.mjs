/** Hosts: projects with the packed package and some versions of Fastify, @fastify/swagger and @fastify/cookie. */

import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse } from 'yaml'

const PROGRAM = 'documents-and-responses.mjs'
const folder = dirname(fileURLToPath(import.meta.url))
const root = join(folder, '../..')
const manifest = createRequire(import.meta.url)('../../package.json')

/** The lowest versions that package.json allows. */
export const LOWEST = Object.fromEntries(Object.entries(manifest.peerDependencies).map(([name, range]) => [name, range.replace('^', '')]))

/** The versions that this repository is developed with. */
export const LATEST = Object.fromEntries(Object.keys(LOWEST).map((name) => [name, manifest.devDependencies[name]]))

const execute = promisify(execFile)

/** The output of a program. Its errors have what it wrote as their message. */
export async function run (command, args, cwd) {
  const { stdout } = await execute(command, args, { cwd, env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 2 ** 28 })
    .catch((error) => { throw new Error(`${error.stdout}${error.stderr}` || error.message) })
  return stdout
}

const npm = (args, cwd) => run('npm', [...args, '--no-audit', '--no-fund', '--ignore-scripts'], cwd)

/** Packs this repository, which must be built, and returns the path of the file. */
export async function pack (into) {
  const packed = JSON.parse(await npm(['pack', '--json', '--pack-destination', into], root))
  // npm 11 writes a list, npm 12 an object of the packages.
  const [{ filename }] = Object.values(packed)
  return join(into, filename)
}

/** Makes a project of a packed file and versions by name; a version may be a dist-tag or a range, too. */
export async function createHost (project, packed, versions) {
  mkdirSync(project)
  copyFileSync(join(folder, PROGRAM), join(project, PROGRAM))
  copyFileSync(packed, join(project, basename(packed)))
  const dependencies = {
    [manifest.name]: `file:./${basename(packed)}`,
    ...versions,
    '@sinclair/typebox': manifest.dependencies['@sinclair/typebox'],
    '@types/node': manifest.devDependencies['@types/node']
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, dependencies }))
  // The cache may have an older version for a tag.
  await npm(['install', Object.values(versions).includes('latest') ? '--prefer-online' : '--prefer-offline'], project)
}

/** The output of the program in a project or, without one, with this repository's own build. Documents in YAML are parsed. */
export async function outputOf (project = folder) {
  const { applications, refusals } = JSON.parse(await run(process.execPath, [join(project, PROGRAM)], project))
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

/** The path of the first value that differs, with both values, or `null` where all is equal. The order of members is of no interest. */
export function firstDifference (expected, actual, path = '') {
  if (Object.is(expected, actual)) return null
  if (!areAlike(expected, actual)) return `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`
  for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const difference = firstDifference(expected[key], actual[key], `${path}[${JSON.stringify(key)}]`)
    if (difference !== null) return difference
  }
  return null
}

function areAlike (...values) {
  return values.every((value) => typeof value === 'object' && value !== null) && Array.isArray(values[0]) === Array.isArray(values[1])
}
