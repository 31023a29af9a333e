package main

import (
	"database/sql/driver"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

const (
	everyRows = 16_384 // each a page of the WAL: it is copied at about 32 MiB
	restMax   = 512    // frames that the writer may copy itself
)

// The WAL is copied into the database beside the commits, on a connection of its own. SQLite syncs the database only with
// the last page, and the WAL begins anew only if a pass ends while nobody writes. So this copies until little is left and
// syncs that; the writer copies the rest between two commits.
type checkpoints struct {
	since        int
	wake         chan struct{}
	littleIsLeft atomic.Bool
}

func startCheckpoints(path string) *checkpoints {
	c := &checkpoints{wake: make(chan struct{}, 1)}
	db := open(path)
	file, err := os.Open(path) // stays open: closing it would drop SQLite's locks
	must(err)
	go func() {
		for range c.wake {
			for passes := 0; passes < 8 && pass(db) > restMax; passes++ {
			}
			must(syscall.Fdatasync(int(file.Fd())))
			c.littleIsLeft.Store(true)
		}
	}()
	return c
}

// pass copies once; how many frames are left.
func pass(db *sqlite3.SQLiteConn) int64 {
	rows, err := db.Query("pragma wal_checkpoint(passive)", nil)
	must(err)
	defer rows.Close()
	row := make([]driver.Value, 3)
	must(rows.Next(row))
	return row[1].(int64) - row[2].(int64)
}

// committed follows each commit, on the writer's connection.
func (c *checkpoints) committed(db *sqlite3.SQLiteConn, rows int) {
	c.since += rows
	if c.littleIsLeft.CompareAndSwap(true, false) {
		pass(db)
	} else if c.since >= everyRows {
		select {
		case c.wake <- struct{}{}:
			c.since = 0
		default:
		}
	}
}
