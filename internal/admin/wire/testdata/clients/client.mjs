// What node-postgres does with the administration port. The arguments are host, port, user and password.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

// The package is where the test has installed it, not beside this file.
const pg = createRequire(process.env.CLIENT_MODULES + '/')('pg')
const [host, port, user, password] = process.argv.slice(2)
const options = { host, port: Number(port), user, password, database: 'metadb' }

const client = new pg.Client(options)
const notices = []
client.on('notice', (n) => notices.push(n.message))
await client.connect()
for (let i = 0; i < 3; i++) {
  const { rows } = await client.query('list status')
  assert.deepEqual([rows[0].name, rows[0].lag], ['sensor', '7'])
  const named = await client.query({ name: 'status', text: 'list status', rowMode: 'array' })
  assert.equal(named.rows[0][1], 'sensor')
  assert.equal(named.command, 'SELECT')
}
const several = await client.query('select 1 as a; list status; select 2 as a')
assert.deepEqual(several.map((r) => r.rowCount), [1, 1, 1])
assert.equal((await client.query('create data origin node')).command, 'CREATE')
await assert.rejects(client.query('list sttus'), { code: '42601', position: '6', hint: 'did you mean "status"?' })
await assert.rejects(client.query({ name: 'x', text: 'drop data source nope' }), { code: '42704' })
await client.query("alter system set snapshot_deadline = '2 hours'")
assert.deepEqual(notices, ['the server must be restarted for the change to take effect'])
await client.query('begin')
await assert.rejects(client.query('list status'), { code: '25001' })
await client.query('rollback')
const { rows } = await client.query('select $1::int as n, $2::jsonb as j, null as x', [1, { a: [1] }])
assert.deepEqual(rows, [{ n: 1, j: { a: [1] }, x: null }])

// Many at once, from a pool.
const pool = new pg.Pool({ ...options, max: 5 })
const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => pool.query(i % 2 ? 'list status' : 'select 1 as name')))
assert.equal(answers.filter((a) => a.rows[0].name === 'sensor').length, 25)
await pool.end()
await client.end()
console.log('ok')
