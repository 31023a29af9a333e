//! A peer for evd's benches: hyper and tokio in front of SQLite (WAL, synchronous=FULL).
//!
//! The work: check the key, parse the callback, unpack the EV frame, drop a repeat, keep the newest RING statuses of each
//! device, answer 201 only after the commit. Arguments: ADDRESS DATABASE KEY RING [FILL: so many devices have full rings
//! before it listens]. The database is made anew.
mod callback;
mod checkpoints;
mod rings;
mod writer;

use hyper::service::{make_service_fn, service_fn};
use hyper::{body::to_bytes, Body, Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use std::sync::{mpsc, Arc};
use tokio::sync::oneshot;
use writer::Job;

/// Callbacks that may wait for the writer; more are answered 503.
const QUEUE_MAX: usize = 8192;

struct Service {
    key: [u8; 32],
    queue: mpsc::SyncSender<Job>,
}

impl Service {
    fn knows(&self, shown: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(shown).into();
        digest.iter().zip(self.key).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
    }

    async fn take(&self, request: Request<Body>) -> Result<StatusCode, hyper::Error> {
        if !self.knows(request.headers().get("x-api-key").map_or(&b""[..], |value| value.as_bytes())) {
            return Ok(StatusCode::UNAUTHORIZED);
        }
        let body = to_bytes(request.into_body()).await?;
        let Some(status) = callback::status(&body) else { return Ok(StatusCode::BAD_REQUEST) };
        let (answer, stored) = oneshot::channel();
        if self.queue.try_send(Job { status, answer }).is_err() {
            return Ok(StatusCode::SERVICE_UNAVAILABLE);
        }
        Ok(if stored.await == Ok(true) { StatusCode::CREATED } else { StatusCode::INTERNAL_SERVER_ERROR })
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (address, path, key, ring) = (&arguments[1], &arguments[2], &arguments[3], arguments[4].parse().unwrap());
    let fill = arguments.get(5).map_or(0, |count| count.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (queue, jobs) = mpsc::sync_channel(QUEUE_MAX);
    let mut writer = writer::Writer::new(path, ring, runtime.handle().clone());
    writer.fill(fill);
    std::thread::spawn(move || writer.run(jobs));
    let service = Arc::new(Service { key: Sha256::digest(key.as_bytes()).into(), queue });
    runtime.block_on(async {
        let connections = make_service_fn(move |_| {
            let service = service.clone();
            async move {
                Ok::<_, hyper::Error>(service_fn(move |request| {
                    let service = service.clone();
                    async move {
                        let mut answer = Response::new(Body::empty());
                        *answer.status_mut() = service.take(request).await?;
                        Ok::<_, hyper::Error>(answer)
                    }
                }))
            }
        });
        let address = address.parse().unwrap();
        hyper::Server::bind(&address).http1_only(true).tcp_nodelay(true).serve(connections).await.unwrap();
    });
}
