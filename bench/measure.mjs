/** Measuring two things side by side: in turns, so that what the machine does meanwhile hits both. */

export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Takes one measurement of each in every round, the first one first in every other round, and gives the median of the
 * rounds' ratios (ours / theirs), the range of the middle half of them, and the median of each. The first round only
 * warms up.
 */
export async function compare (rounds, ours, theirs) {
  const pairs = []
  for (let round = 0; round <= rounds; round++) {
    let a, b
    if (round % 2 === 0) {
      a = await ours()
      b = await theirs()
    } else {
      b = await theirs()
      a = await ours()
    }
    if (round > 0) pairs.push([a, b])
  }
  const ratios = pairs.map(([a, b]) => a / b).sort((x, y) => x - y)
  const at = (share) => ratios[Math.round(share * (ratios.length - 1))]
  return { ratio: median(ratios), low: at(0.25), high: at(0.75), ours: median(pairs.map(([a]) => a)), theirs: median(pairs.map(([, b]) => b)), rounds }
}

/** A row of the table. `bar`: `['at least', 0.97]` or `['at most', 1]`. */
export function row (what, against, unit, { ratio, low, high, ours, theirs }, bar) {
  const missed = bar !== undefined && (bar[0] === 'at least' ? ratio < bar[1] : ratio > bar[1])
  return {
    what,
    against,
    ours: `${format(ours)} ${unit}`,
    theirs: `${format(theirs)} ${unit}`,
    ratio: `${ratio.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`,
    bar: bar === undefined ? 'none' : `${bar[0]} ${bar[1].toFixed(2)}`,
    met: bar === undefined ? '' : missed ? 'no' : 'yes'
  }
}

const format = (number) => number >= 100 ? Math.round(number).toLocaleString('en') : number.toPrecision(3)

export function table (rows) {
  const columns = ['what', 'against', 'ours', 'theirs', 'ratio', 'bar', 'met']
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((column) => row[column])))].join('\n')
}
