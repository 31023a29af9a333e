//! One thread writes all that waits in one transaction and answers after its commit.
use crate::callback::{document, Status};
use crate::checkpoints::Checkpoints;
use crate::rings::{Rings, Statements, TABLE};
use rusqlite::{Connection, Result};
use std::sync::mpsc::Receiver;
use tokio::runtime::Handle;
use tokio::sync::oneshot::Sender;

const GROUP_MAX: usize = 2048;
const PAGE_BYTES: i64 = 2048;

pub struct Job {
    pub status: Status,
    pub answer: Sender<bool>,
}

pub struct Writer {
    db: Connection,
    rings: Rings,
    ring: i64,
    checkpoints: Checkpoints,
    runtime: Handle,
}

fn open(path: &str) -> Connection {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "pragma page_size={PAGE_BYTES}; pragma journal_mode=wal; pragma synchronous=full; pragma wal_autocheckpoint=0;
         pragma mmap_size=17179869184; pragma cache_size=-16384;"
    ))
    .unwrap();
    db
}

impl Writer {
    pub fn new(path: &str, ring: i64, runtime: Handle) -> Self {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{path}{end}"));
        }
        let db = open(path);
        db.execute_batch(TABLE).unwrap();
        Writer { db, rings: Rings::new(ring), ring, checkpoints: Checkpoints::start(path, open), runtime }
    }

    /// Fill the rings of the first `devices` of a load, which speak in turn.
    pub fn fill(&mut self, devices: u32) {
        let raw = *b"\x13\x0a\x4c\x0f\x59\x4e\x42\x7e\x4b\xb4\x50\x88";
        for turn in 0..if devices > 0 { self.ring } else { 0 } {
            for first in (0..devices).step_by(20_000) {
                let group: Vec<Status> = (first..devices.min(first + 20_000))
                    .map(|number| {
                        let (device, time) = (0x10_0000 + number, 1_500_000_000 + turn * 600);
                        Status { device, time, seq: turn % 4096, raw, body: document(&format!("{device:X}"), time, &raw) }
                    })
                    .collect();
                self.write(group.iter()).unwrap();
                self.checkpoints.committed(&self.db, group.len());
            }
        }
    }

    pub fn run(mut self, queue: Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let mut jobs = vec![first];
            while jobs.len() < GROUP_MAX {
                match queue.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            let stored = self.write(jobs.iter().map(|job| &job.status)).is_ok();
            if !stored {
                self.rings.forget();
            }
            let rows = jobs.len();
            // In one task of the runtime: one wake for the group instead of one for each answer.
            self.runtime.spawn(async move {
                for job in jobs {
                    let _ = job.answer.send(stored);
                }
            });
            self.checkpoints.committed(&self.db, rows);
        }
    }

    fn write<'a>(&mut self, statuses: impl Iterator<Item = &'a Status>) -> Result<()> {
        let transaction = self.db.transaction()?;
        {
            let mut statements = Statements::new(&transaction)?;
            for status in statuses {
                self.rings.take(&mut statements, status)?;
            }
        }
        transaction.commit()
    }
}
