/** The Markdown pages of the repository, and the programs that stand in them. */

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(__dirname, '../..')

/** Every page, by its path in the repository. */
export const pages: readonly string[] = ['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'mutation/README.md',
  ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)]

export const read = (page: string): string => readFileSync(join(root, page), 'utf8')

/**
 * `setup`: it comes before every program of the page. `apart`: a program of its own begins here. `certificates`: the
 * program runs with Node.js 22, in a folder that has some. A path: it is that file.
 */
interface Block { readonly language: string, readonly flags: readonly string[], readonly code: string }

/** The part of a page under one heading, with the blocks of code in it. */
interface Section { readonly heading: string, readonly blocks: readonly Block[] }

const HEADING = /^(#{1,6}) (.+)$/
const FENCE = /^\s*```(\S*)(.*)$/

/** Blocks that stand in comments, which readers do not see, are read as well. */
function sectionsOf (text: string): Section[] {
  const sections: Array<{ heading: string, blocks: Block[] }> = [{ heading: 'the beginning', blocks: [] }]
  let open: { language: string, flags: readonly string[], lines: string[] } | null = null
  for (const line of text.split('\n')) {
    const [, language, flag = ''] = FENCE.exec(line) ?? []
    if (open !== null && language === '') {
      sections.at(-1)?.blocks.push({ language: open.language, flags: open.flags, code: open.lines.join('\n') })
      open = null
    } else if (open !== null) open.lines.push(line)
    else if (language !== undefined) open = { language, flags: flag.trim().split(' '), lines: [] }
    else if (HEADING.test(line)) sections.push({ heading: HEADING.exec(line)?.[2] as string, blocks: [] })
  }
  if (open !== null) throw new Error('a block of code is not closed')
  return sections
}

/** A command of the page, and the lines of its output, in their order; others may stand between them. */
export interface Exchange { readonly command: string, readonly answer: readonly string[] }

/** The code of one section, ready to run after the page's setup. */
export interface Program {
  readonly page: string
  readonly heading: string
  readonly language: 'ts' | 'js'
  readonly source: string
  readonly exchanges: readonly Exchange[]
  readonly needsCertificates: boolean
}

/** The files of the repository that a page shows, with the code that it shows. */
export function filesOf (page: string): Array<{ readonly path: string, readonly code: string }> {
  const blocks = sectionsOf(read(page)).flatMap((section) => section.blocks)
  return blocks.flatMap(({ flags, code }) => flags.filter((flag) => flag.includes('/')).map((path) => ({ path, code })))
}

const OWN_APP = /^const app\b/m

/**
 * The programs of a page: one for each section, or more where a block makes another application or stands apart. They may use what the blocks marked
 * `setup` of the whole page define. Where there are exchanges, or the program listens, it listens on `PORT`.
 */
export function programsOf (page: string): Program[] {
  // The README has no room for what its readers do not need.
  const sections = sectionsOf(read(page) + (page === 'README.md' ? read('test/docs/readme-setup.md') : ''))
  const setup = sections.flatMap(({ blocks }) => blocks).filter(({ flags }) => flags.includes('setup')).map(({ code }) => code)
  return sections.flatMap(({ heading, blocks }) => {
    const programs: Array<Pick<Program, 'language' | 'needsCertificates'> & { own: string[], exchanges: Exchange[] }> = []
    for (const { language, flags, code } of blocks) {
      if (language === 'console') programs.at(-1)?.exchanges.push(...exchangesOf(code))
      if ((language !== 'ts' && language !== 'js') || flags.includes('setup')) continue
      if (programs.length === 0 || flags.includes('apart') || OWN_APP.test(code)) {
        programs.push({ language, own: [], exchanges: [], needsCertificates: flags.includes('certificates') })
      }
      programs.at(-1)?.own.push(code)
    }
    return programs.map(({ own, ...program }) => ({ page, heading, ...program, source: asModule(setup, own, program.exchanges.length > 0) }))
  })
}

const IMPORT = /^import (?<what>[^'"]+?) from '(?<from>[^']+)'$/gm

/** One module: the imports once each, the setup, and in a block of its own the section, which may give the same names to other things. */
function asModule (setup: readonly string[], own: readonly string[], isAsked: boolean): string {
  const imports = new Set<string>()
  const withoutImports = (code: string): string => code.replace(/^export (?!\{)/gm, '').replace(IMPORT, (...args) => {
    const { what: written, from } = args.at(-1) as { what: string, from: string }
    const what = written.replace(/^type \{ (.+) \}$/, (_, names: string) => `{ ${names.split(', ').map((name) => `type ${name}`).join(', ')} }`)
    const [, first, named] = /^([\w* ]+?)?,? ?(?:\{ (.+) \})?$/.exec(what) ?? []
    if (first !== undefined) imports.add(`import ${first} from '${from}'`)
    for (const name of named?.split(', ') ?? []) imports.add(`import { ${name} } from '${from}'`)
    return ''
  })
  const before = setup.map(withoutImports).join('\n')
  const section = own.map(withoutImports).join('\n').replace(/\{ port: 3000 \}/g, '{ port: Number(process.env.PORT) }')
  const hasApp = OWN_APP.test(`${before}\n${section}`)
  const listens = section.includes('app.listen(')
  const end = !hasApp || listens ? '' : isAsked ? 'await app.listen({ port: Number(process.env.PORT) })' : 'await app.ready()\nawait app.close()'
  return `${[...imports].join('\n')}\n${before}\n{\n${section}\n${end}\n}\nexport {}\n`
}

function exchangesOf (code: string): Exchange[] {
  const exchanges: Array<{ command: string, answer: string[] }> = []
  for (const line of code.split('\n')) {
    const last = exchanges.at(-1)
    if (line.startsWith('$ ')) exchanges.push({ command: line.slice(2), answer: [] })
    else if (last?.command.endsWith('\\') === true) last.command = `${last.command}\n${line}`
    else if (line !== '' && last !== undefined) last.answer.push(line)
  }
  return exchanges
}

/** The names by which a page's headings can be linked to on GitHub, and those that are written out. */
export function anchorsOf (page: string): string[] {
  const counts = new Map<string, number>()
  const written = [...read(page).matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string)
  const ofHeadings = sectionsOf(read(page)).slice(1).map(({ heading }) => {
    const slug = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    const count = counts.get(slug) ?? 0
    counts.set(slug, count + 1)
    return count === 0 ? slug : `${slug}-${count}`
  })
  return [...written, ...ofHeadings]
}

/** The links of a page, without those to other sites. */
export function linksOf (page: string): Array<{ readonly path: string, readonly anchor: string | undefined }> {
  const prose = read(page).replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string).filter((target) => !/^[a-z]+:/.test(target)).map((target) => {
    const [path = '', anchor] = target.split('#')
    return { path, anchor }
  })
}
