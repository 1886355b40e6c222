/** Projects that install the packed package: by import and by require, in JavaScript and each supported TypeScript. */

import t, { type Test } from 'tap'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(__dirname, '..')
const env = { ...process.env, NODE_OPTIONS: '' }
const npm = async (args: string[], cwd: string): Promise<string> =>
  (await run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], { cwd, env })).stdout

const SUPPORTED = ['typescript-5', 'typescript', 'typescript-7']
const OUTERMOST = ['typescript-5', 'typescript-7']
const ALONE = ['fastify', '@sinclair/typebox', '@types/node']
/** Those that have types of their own for routes. */
const PLUGINS = [
  '@fastify/csrf-protection', '@fastify/rate-limit', '@fastify/swagger', '@fastify/websocket', '@types/ws',
  'fastify-type-provider-zod', 'openapi-types', 'zod'
]

function fail (error: { stdout?: string, stderr?: string, message: string }): never {
  throw new Error([error.stdout, error.stderr, error.message].join('\n'))
}

/** From TypeScript 7 on the compiler is a program of its own, which its launcher finds. */
async function compiler (directory: string): Promise<[command: string, ...args: string[]]> {
  const launcher = join(directory, 'lib/getExePath.js')
  return existsSync(launcher) ? [(await import(launcher)).default()] : [process.execPath, join(directory, 'bin/tsc')]
}

t.test('a project that installs the package', async (t) => {
  const project = mkdtempSync(join(tmpdir(), 'consumer-'))
  t.teardown(() => { rmSync(project, { recursive: true, force: true }) })
  const packed = JSON.parse(await npm(['pack', '--json', '--pack-destination', project], root))
  const [{ filename, files }] = Array.isArray(packed) ? packed : Object.values<any>(packed)
  const paths: string[] = files.map(({ path }: { path: string }) => path)
  const others = paths.filter((path) => !path.startsWith('dist/')).sort()
  t.strictSame(others, ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  t.notOk(paths.some((path) => /\/(test|example)\//.test(path)))

  for (const [checker, args] of [['publint', ['run', '--strict']], ['attw', ['--profile', 'node16']]] as const) {
    const bin = join(root, 'node_modules/.bin', checker)
    const { stdout } = await run(process.execPath, [bin, ...args, join(project, filename)], { env })
      .catch(fail)
    t.notMatch(stdout, /Suggestions|Warnings|Errors/, checker)
  }

  cpSync(join(root, 'test/consumers'), project, { recursive: true })
  const { devDependencies, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const install = async (names: readonly string[]): Promise<void> => {
    const versions = Object.fromEntries(names.map((name) => [name, devDependencies[name] ?? dependencies[name]]))
    writeFileSync(join(project, 'package.json'), JSON.stringify({
      private: true,
      dependencies: { 'fastify-auth-schemes': `file:./${filename}`, ...versions }
    }))
    await npm(['install'], project)
  }
  const compile = async (t: Test, configs: readonly string[], cwd = project, versions = OUTERMOST): Promise<void> => {
    for (const typescript of versions) {
      const [command, ...args] = await compiler(dirname(require.resolve(`${typescript}/package.json`)))
      const { version } = require(`${typescript}/package.json`)
      for (const config of configs) {
        await t.resolves(run(command, [...args, '-p', `tsconfig.${config}.json`], { cwd, env })
          .catch(fail),
        `TypeScript ${version}, ${config}`)
      }
    }
  }

  await install(ALONE)
  for (const file of ['import.mjs', 'require.cjs']) {
    const { stdout } = await run(process.execPath, [file], { cwd: project, env })
    t.equal(stdout, '401 Bearer\n200 {"name":"good"}\n', file)
  }
  t.notOk(existsSync(join(project, 'node_modules/jose')), 'without jose')
  const verifiers = async (output: string): Promise<void> => {
    for (const file of ['verifiers.mjs', 'verifiers.cjs']) {
      const { stdout } = await run(process.execPath, [file], { cwd: project, env })
      t.equal(stdout, output, file)
    }
  }
  await verifiers('FST_AUTH_BAD_OPTION jwtIssuer: jose is not installed: npm install jose\n')
  t.notOk(existsSync(join(project, 'node_modules/@fastify/websocket')))
  await compile(t, ['nodenext'], project, SUPPORTED)
  await compile(t, ['bundler'])

  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', project]
  await t.resolves(run(process.execPath, vitest, { cwd: project, env }).catch(fail), 'vitest, with the package inlined')
  // Built by itself, and with nothing in reach but its own dependencies, as pnpm installs them.
  const linked = mkdtempSync(join(tmpdir(), 'consumer-'))
  t.teardown(() => { rmSync(linked, { recursive: true, force: true }) })
  cpSync(join(root, 'test/consumers'), linked, { recursive: true })
  writeFileSync(join(linked, 'package.json'), JSON.stringify({
    private: true,
    dependencies: { 'fastify-auth-schemes': `file:${join(project, filename)}`, fastify: devDependencies.fastify, '@types/node': devDependencies['@types/node'] }
  }))
  await npm(['install', '--install-strategy=linked'], linked)
  t.notOk(existsSync(join(linked, 'node_modules/@sinclair')))
  await compile(t, ['declaration'], linked)

  await install([...ALONE, ...PLUGINS])
  await compile(t, ['plugins'])

  await npm(['install', `jose@${devDependencies.jose}`], project)
  await verifiers('alice\nfunction\n')
})
