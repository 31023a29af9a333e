//! Each device's newest statuses, in slots that are overwritten in place: a status in order changes one row of one page.
//!
//! The row id is device × 2^20 + slot, so a ring's rows are neighbours in the table and no index is needed. The circle
//! of slots is in the order of (time, seq); a late status moves the rows above it by one slot.
use crate::callback::Status;
use rusqlite::{params, CachedStatement, Connection, OptionalExtension, Result};
use std::collections::HashMap;

const SLOTS_MAX: i64 = 1 << 20;

pub const TABLE: &str = "create table status(id integer primary key, time int, seq int, raw blob, body text)";
const PUT: &str = "insert or replace into status values(?1, ?2, ?3, ?4, ?5)";
const MOVE: &str = "insert or replace into status select ?1, time, seq, raw, body from status where id = ?2";
const RANK: &str = "select time, seq from status where id = ?1";
const RING: &str = "select id, time, seq from status where id >= ?1 and id < ?1 + ?2 order by time desc, seq desc";

/// The newest end of a ring: `kept` slots are taken, and `newest` holds the newest status, which has this rank.
struct Head {
    kept: i64,
    newest: i64,
    rank: (i64, i64),
}

pub struct Rings {
    ring: i64,
    heads: HashMap<u32, Head>,
}

/// The statements of one transaction.
pub struct Statements<'a> {
    put: CachedStatement<'a>,
    shift: CachedStatement<'a>,
    rank: CachedStatement<'a>,
    read: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    pub fn new(db: &'a Connection) -> Result<Self> {
        let [put, shift, rank, read] = [PUT, MOVE, RANK, RING].map(|text| db.prepare_cached(text));
        Ok(Statements { put: put?, shift: shift?, rank: rank?, read: read? })
    }
}

impl Rings {
    pub fn new(ring: i64) -> Self {
        Rings { ring, heads: HashMap::new() }
    }

    /// After a rollback memory holds what the file does not.
    pub fn forget(&mut self) {
        self.heads.clear();
    }

    /// Keep a status, unless the ring has it or is full of newer ones.
    pub fn take(&mut self, sql: &mut Statements, status: &Status) -> Result<()> {
        let (ring, base, rank) = (self.ring, i64::from(status.device) * SLOTS_MAX, (status.time, status.seq));
        let head = match self.heads.entry(status.device) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => unknown.insert(load(sql, base, ring)?),
        };
        let mut above = 0;
        if head.kept > 0 && rank <= head.rank {
            loop {
                let slot = base + (head.newest - above).rem_euclid(ring);
                let Some(there) = sql.rank.query_row([slot], |row| Ok((row.get(0)?, row.get(1)?))).optional()? else { break };
                if there == rank {
                    return Ok(());
                }
                if there < rank {
                    break;
                }
                above += 1;
                if above == ring {
                    return Ok(());
                }
                if above == head.kept {
                    break;
                }
            }
            for moved in 0..above {
                let from = (head.newest - moved).rem_euclid(ring);
                sql.shift.execute([base + (from + 1) % ring, base + from])?;
            }
        }
        let slot = (head.newest + 1 - above).rem_euclid(ring);
        sql.put.execute(params![base + slot, status.time, status.seq, status.raw, status.body])?;
        head.newest = (head.newest + 1) % ring;
        head.kept = (head.kept + 1).min(ring);
        if above == 0 {
            head.rank = rank;
        }
        Ok(())
    }
}

fn load(sql: &mut Statements, base: i64, ring: i64) -> Result<Head> {
    let mut head = Head { kept: 0, newest: -1, rank: (0, 0) };
    let mut rows = sql.read.query([base, ring])?;
    while let Some(row) = rows.next()? {
        if head.kept == 0 {
            head.newest = row.get::<_, i64>(0)? - base;
            head.rank = (row.get(1)?, row.get(2)?);
        }
        head.kept += 1;
    }
    Ok(head)
}
