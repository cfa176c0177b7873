//! HTTP over a real socket, as bytes: what a client library would hide.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longest time for something that happens by itself.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Socket {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Socket {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            unread: Vec::new(),
        }
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends a request and leaves the answer unread.
    pub(crate) async fn ask(&mut self, path: &str) {
        self.write(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
    }

    /// Sends a request and reads the head of the answer, in lower case, and what its content-length promises.
    pub(crate) async fn get(&mut self, path: &str) -> String {
        self.ask(path).await;
        self.answer().await.expect("an answer")
    }

    /// The head of the next answer, in lower case, or `None` if the connection ends first.
    pub(crate) async fn answer(&mut self) -> Option<String> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if self.read().await == 0 {
                return None;
            }
        };
        let head: Vec<u8> = self.unread.drain(..end).collect();
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            assert_ne!(self.read().await, 0, "the body ends early");
        }
        self.unread.drain(..length);
        Some(head)
    }

    /// Reads until this text has come.
    pub(crate) async fn until(&mut self, text: &str) {
        while !self
            .unread
            .windows(text.len())
            .any(|window| window == text.as_bytes())
        {
            assert_ne!(self.read().await, 0, "{text:?} never came");
        }
    }

    /// Reads until the server closes the connection, and returns what came.
    pub(crate) async fn rest(&mut self) -> String {
        while self.read().await > 0 {}
        String::from_utf8(std::mem::take(&mut self.unread)).unwrap()
    }

    /// The number of bytes that came: 0 at the end. A reset is an end as well.
    async fn read(&mut self) -> usize {
        let read = self.stream.read_buf(&mut self.unread);
        timeout(PATIENCE, read)
            .await
            .expect("the server says something")
            .unwrap_or(0)
    }
}
