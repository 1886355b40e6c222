/** Projects that install the packed package: by import and by require, in JavaScript and under each supported TypeScript. */

import t from 'tap'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(__dirname, '..')
const npm = async (args: string[], cwd: string): Promise<string> =>
  (await run('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'], { cwd, env: { ...process.env, NODE_OPTIONS: '' } })).stdout

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
  t.strictSame(paths.filter((path) => !path.startsWith('dist/')).sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  t.notOk(paths.some((path) => /\/(test|example)\//.test(path)))

  for (const [checker, args] of [['publint', ['run', '--strict']], ['attw', []]] as const) {
    const { stdout } = await run(process.execPath, [join(root, 'node_modules/.bin', checker), ...args, join(project, filename)], { env: { ...process.env, NODE_OPTIONS: '' } })
      .catch((error) => { throw new Error(`${String(error.stdout)}${String(error.stderr)}`) })
    t.notMatch(stdout, /Suggestions|Warnings|Errors/, checker)
  }

  cpSync(join(root, 'test/consumers'), project, { recursive: true })
  const { devDependencies, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({
    private: true,
    dependencies: {
      'fastify-auth-schemes': `file:./${filename}`,
      fastify: devDependencies.fastify,
      '@sinclair/typebox': dependencies['@sinclair/typebox'],
      '@types/node': devDependencies['@types/node']
    }
  }))
  await npm(['install'], project)

  for (const file of ['import.mjs', 'require.cjs']) {
    const { stdout } = await run(process.execPath, [file], { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } })
    t.equal(stdout, '401 Bearer\n200 {"name":"good"}\n', file)
  }
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', project]
  await t.resolves(run(process.execPath, vitest, { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } })
    .catch((error) => { throw new Error(`${String(error.stdout)}${String(error.stderr)}`) }), 'vitest, with the package inlined')
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

  for (const typescript of ['typescript-5', 'typescript', 'typescript-7']) {
    const [command, ...args] = await compiler(dirname(require.resolve(`${typescript}/package.json`)))
    const { version } = require(`${typescript}/package.json`)
    for (const [config, cwd] of [['nodenext', project], ['bundler', project], ['declaration', linked]] as const) {
      await t.resolves(run(command, [...args, '-p', `tsconfig.${config}.json`], { cwd, env: { ...process.env, NODE_OPTIONS: '' } })
        .catch((error) => { throw new Error(`${String(error.stdout)}${String(error.stderr)}${String(error.message)}`) }), `TypeScript ${version}, ${config}`)
    }
  }
})
