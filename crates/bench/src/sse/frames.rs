//! Reads an event stream as cheaply as possible, since one thread reads a thousand of them.

/// What was read from one stream.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    event: Event,
    newest: Option<u64>,
    pub(super) seen: Seen,
}

/// Counters over events.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) delivered: u64,
    /// What the server said that it left out.
    pub(super) missed: u64,
    /// Events that came twice or out of order. (Numbers may be left out: other topics have them.)
    pub(super) astray: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Event {
    #[default]
    Other,
    Reading,
    Missed,
}

impl Frames {
    /// Takes what has come. The story time of the oldest reading in it and how many there are, if any.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<(i64, u64)> {
        let (before, mut oldest) = (self.seen.delivered, None);
        let mut bytes = bytes;
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, more) = bytes.split_at(end);
            if self.rest.is_empty() {
                self.line(line, &mut oldest);
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole, &mut oldest);
                whole.clear();
                self.rest = whole;
            }
            bytes = &more[1..];
        }
        self.rest.extend_from_slice(bytes);
        oldest.map(|ts| (ts, self.seen.delivered - before))
    }

    fn line(&mut self, line: &[u8], oldest: &mut Option<i64>) {
        if let Some(id) = line.strip_prefix(b"id: ") {
            if let Some(number) = number_after(id, b"-") {
                self.numbered(number);
            }
        } else if let Some(event) = line.strip_prefix(b"event: ") {
            self.event = match event {
                b"telemetry" => Event::Reading,
                b"missed" => Event::Missed,
                _ => Event::Other,
            };
        } else if let Some(data) = line.strip_prefix(b"data: ") {
            match self.event {
                Event::Reading => {
                    self.seen.delivered += 1;
                    if oldest.is_none() {
                        let ts = number_after(data, b"\"ts\":");
                        *oldest = ts.and_then(|ts| i64::try_from(ts).ok());
                    }
                }
                Event::Missed => {
                    let count = number_after(data, b"\"count\":").unwrap_or_default();
                    self.seen.missed += count;
                }
                Event::Other => {}
            }
        }
    }

    fn numbered(&mut self, number: u64) {
        if self.newest.is_some_and(|newest| number <= newest) {
            self.seen.astray += 1;
        }
        self.newest = self.newest.max(Some(number));
    }
}

/// The digits behind a text.
fn number_after(text: &[u8], before: &[u8]) -> Option<u64> {
    let start = memchr::memmem::find(text, before)? + before.len();
    let digits = text.get(start..)?;
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(number: u64, ts: i64) -> String {
        format!(
            "id: b00t-{number}\nevent: telemetry\ndata: {{\"deviceId\":\"D-1\",\"ts\":{ts}}}\n\n"
        )
    }

    #[test]
    fn counts_what_came_in_any_pieces() {
        let text = format!(
            "retry: 1000\n\n{}event: ping\ndata: {{}}\n\n{}",
            reading(7, 40),
            reading(8, 50)
        );
        let mut whole = Frames::default();
        assert_eq!(whole.take(text.as_bytes()), Some((40, 2)));
        let mut pieces = Frames::default();
        for byte in text.bytes() {
            pieces.take(&[byte]);
        }
        let expected = Seen {
            delivered: 2,
            ..Seen::default()
        };
        assert_eq!((whole.seen, pieces.seen), (expected, expected));
    }

    #[test]
    fn knows_what_the_server_left_out_from_what_went_astray() {
        let mut frames = Frames::default();
        for text in [
            &reading(1, 10),
            "event: missed\ndata: {\"topic\":\"telemetry\",\"count\":3}\n\n",
            &reading(5, 20),
            &reading(4, 20),
            &reading(5, 20),
            &reading(7, 30),
        ] {
            frames.take(text.as_bytes());
        }
        let expected = Seen {
            delivered: 5,
            missed: 3,
            astray: 2,
        };
        assert_eq!(frames.seen, expected);
    }
}
