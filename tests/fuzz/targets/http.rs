//! What a server answers: the status line, every header that is read (Content-Range, Retry-After, ETag, Content-Type,
//! Content-Encoding, Location) and bodies, packed or not, through the client that pulls use, over a socket.

use crate::Target;
use mutuald::limits::Limits;
use mutuald::peer::client::{Answer, Ask, Client};
use std::cell::OnceCell;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const TARGETS: &[Target] = &[Target { name: "http-answer", run: answer, seeds: answers }];

fn answers() -> Vec<Vec<u8>> {
    let gzip = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0x4b, 0x4c, 0x4a, 0xe6, 2, 0, 0x4e, 0x81, 0x88, 0x47, 4, 0, 0, 0,
    ];
    let head = |text: &str| format!("HTTP/1.1 {}\r\n\r\n", text.replace('\n', "\r\n")).into_bytes();
    vec![
        [head("200 OK\nContent-Length: 3\nETag: \"x\"\nDate: Tue, 01 Sep 2026 10:00:00 GMT"), b"abc".to_vec()].concat(),
        [head("200 OK\nContent-Encoding: gzip"), gzip.to_vec()].concat(),
        [head("200 OK\nTransfer-Encoding: chunked"), b"3\r\nabc\r\n0\r\n\r\n".to_vec()].concat(),
        [head("206 Partial Content\nContent-Range: bytes 7-9/10\nContent-Length: 3"), b"abc".to_vec()].concat(),
        head("304 Not Modified\nETag: W/\"x\""),
        head("429 Too Many Requests\nRetry-After: 120\nContent-Length: 0"),
        head("503 Busy\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT"),
        head("301 Moved\nLocation: //elsewhere.invalid/x\nContent-Length: 0"),
        [head("200 OK\nContent-Type: text/html; charset=x"), b"<html>".to_vec()].concat(),
    ]
}

/// Longest body that is asked for.
const MOST: u64 = 4_096;

struct Scene {
    runtime: Runtime,
    listeners: Vec<TcpListener>,
    client: Client,
    turn: std::cell::Cell<usize>,
}

impl Scene {
    fn new() -> Scene {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        // Many addresses: a closed connection keeps its pair of ports for a minute.
        let listen = |n: u8| TcpListener::bind((std::net::Ipv4Addr::new(127, 0, 77, n), 0));
        let listeners = (1..=200).map(|n| runtime.block_on(listen(n)).expect("a port")).collect();
        let limits = Limits { get_timeout_s: 5, ..Limits::default() };
        let client = runtime.block_on(async { Client::new(&limits, true, None) }).expect("a client");
        Scene { runtime, listeners, client, turn: 0.into() }
    }

    fn ask(&self, data: &[u8], ask: &Ask<'_>) {
        let nth = self.turn.replace((self.turn.get() + 1) % self.listeners.len());
        let listener = &self.listeners[nth];
        let port = listener.local_addr().expect("its address");
        let url = format!("http://{port}/file").parse().expect("an address");
        let serve = async {
            // Redirects may ask several times; each gets the same.
            loop {
                let Ok((mut socket, _)) = listener.accept().await else { break };
                let mut head = [0u8; 4_096];
                let _ = socket.read(&mut head).await;
                let _ = socket.write_all(data).await;
                let _ = socket.shutdown().await;
            }
        };
        let answer = self.runtime.block_on(async {
            tokio::select! {
                answer = self.client.get(&url, ask) => answer,
                () = serve => unreachable!("it serves for ever"),
            }
        });
        match answer {
            Ok(Answer::Whole { body, .. }) => assert!(body.len() as u64 <= ask.most),
            Ok(Answer::Rest(body)) => assert!(body.len() as u64 <= ask.most && ask.from.is_some(), "unasked"),
            Ok(Answer::Unchanged { .. }) => assert!(ask.unless.is_some(), "unchanged from nothing"),
            Err(error) => assert!(!error.code().is_empty() && error.to_string().len() < 2_000),
        }
    }
}

fn answer(data: &[u8]) {
    thread_local!(static SCENE: OnceCell<Scene> = const { OnceCell::new() });
    SCENE.with(|scene| {
        let scene = scene.get_or_init(Scene::new);
        match data.len() % 3 {
            0 => scene.ask(data, &Ask { most: MOST, ..Ask::default() }),
            1 => scene.ask(data, &Ask { most: MOST, from: Some(7), ..Ask::default() }),
            _ => scene.ask(data, &Ask { most: MOST, unless: Some("\"x\""), ..Ask::default() }),
        }
    });
}
