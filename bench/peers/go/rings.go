package main

import (
	"database/sql/driver"
	"io"

	"github.com/mattn/go-sqlite3"
)

// Each device's newest statuses are in slots that are overwritten in place: a status in order changes one row of one page.
// The row id is device × 2^20 + slot, so a ring's rows are neighbours in the table and no index is needed. The circle of
// slots is in the order of (time, seq); a late status moves the rows above it by one slot.
const (
	slotsMax = 1 << 20
	table    = "create table status(id integer primary key, time int, seq int, raw blob, body text)"
)

// The newest end of a ring: kept slots are taken, and newest holds the newest status, which has this time and seq.
type head struct {
	kept, newest, time, seq int64
}

type rings struct {
	ring                   int64
	heads                  map[int64]*head
	put, move, rank, whole *sqlite3.SQLiteStmt
	values                 [5]driver.Value
}

func newRings(db *sqlite3.SQLiteConn, ring int64) *rings {
	prepared := func(text string) *sqlite3.SQLiteStmt {
		statement, err := db.Prepare(text)
		must(err)
		return statement.(*sqlite3.SQLiteStmt)
	}
	return &rings{
		ring:  ring,
		heads: map[int64]*head{},
		put:   prepared("insert or replace into status values(?, ?, ?, ?, ?)"),
		move:  prepared("insert or replace into status select ?, time, seq, raw, body from status where id = ?"),
		rank:  prepared("select time, seq from status where id = ?"),
		whole: prepared("select id, time, seq from status where id >= ? and id < ? order by time desc, seq desc"),
	}
}

// forget follows a rollback: memory holds what the file does not.
func (r *rings) forget() { r.heads = map[int64]*head{} }

// take keeps a status, unless the ring has it or is full of newer ones.
func (r *rings) take(s *status) error {
	base := s.device * slotsMax
	h := r.heads[s.device]
	if h == nil {
		var err error
		if h, err = r.load(base); err != nil {
			return err
		}
		r.heads[s.device] = h
	}
	var above int64
	for h.kept > 0 && (above > 0 || s.time < h.time || s.time == h.time && s.seq <= h.seq) {
		time, seq, err := r.rankOf(base + r.slot(h.newest-above))
		if err != nil {
			return err
		}
		if time == s.time && seq == s.seq {
			return nil
		}
		if time < s.time || time == s.time && seq < s.seq {
			break
		}
		if above++; above == r.ring {
			return nil
		}
		if above == h.kept {
			break
		}
	}
	for moved := int64(0); moved < above; moved++ {
		from, to := r.slot(h.newest-moved), r.slot(h.newest-moved+1)
		if _, err := r.move.Exec([]driver.Value{base + to, base + from}); err != nil {
			return err
		}
	}
	r.values = [5]driver.Value{base + r.slot(h.newest+1-above), s.time, s.seq, s.raw[:], string(s.body)}
	if _, err := r.put.Exec(r.values[:]); err != nil {
		return err
	}
	h.newest = r.slot(h.newest + 1)
	if h.kept < r.ring {
		h.kept++
	}
	if above == 0 {
		h.time, h.seq = s.time, s.seq
	}
	return nil
}

func (r *rings) slot(n int64) int64 { return (n + r.ring) % r.ring }

func (r *rings) rankOf(id int64) (time, seq int64, err error) {
	row := make([]driver.Value, 2)
	rows, err := r.rank.Query([]driver.Value{id})
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	if err = rows.Next(row); err != nil {
		return 0, 0, err
	}
	return row[0].(int64), row[1].(int64), nil
}

func (r *rings) load(base int64) (*head, error) {
	h, row := &head{newest: -1}, make([]driver.Value, 3)
	rows, err := r.whole.Query([]driver.Value{base, base + r.ring})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		if h.kept == 0 {
			h.newest, h.time, h.seq = row[0].(int64)-base, row[1].(int64), row[2].(int64)
		}
		h.kept++
	}
	if err == io.EOF {
		return h, nil
	}
	return nil, err
}
