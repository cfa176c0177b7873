use crate::tokenizer::{Token, TokenKind, position, tokenize};
use crate::{DialectError, ObjectName};

use super::object_name_of;

/// The significant tokens of a statement and a place among them.
pub(crate) struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(sql: &'a str) -> Result<Self, DialectError> {
        let tokens: Vec<Token> = tokenize(sql)
            .into_iter()
            .filter(Token::is_significant)
            .collect();
        if let Some(open) = tokens
            .iter()
            .find(|token| token.kind == TokenKind::Unterminated)
        {
            let what = match open.text(sql).as_bytes().first() {
                Some(b'\'') => "string",
                Some(b'`') => "quoted name",
                _ => "comment",
            };
            return Err(syntax(
                sql,
                open.span.start,
                format!("The {what} that starts here is not closed."),
            ));
        }
        Ok(Self { sql, tokens, at: 0 })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    /// Text of the next token; empty at the end.
    pub(crate) fn peek_text(&self) -> &'a str {
        self.peek()
            .map_or("", |token| &self.sql[token.span.clone()])
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn at_word(&self, word: &str) -> bool {
        self.word_ahead(0, word)
    }

    fn word_ahead(&self, ahead: usize, word: &str) -> bool {
        self.peek_at(ahead).is_some_and(|token| {
            token.kind == TokenKind::Word && token.text(self.sql).eq_ignore_ascii_case(word)
        })
    }

    pub(crate) fn at_symbol(&self, symbol: &str) -> bool {
        self.peek()
            .is_some_and(|token| token.kind == TokenKind::Symbol && token.text(self.sql) == symbol)
    }

    pub(crate) fn at_string(&self) -> bool {
        self.peek()
            .is_some_and(|token| token.kind == TokenKind::String)
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        self.at += usize::from(found);
        found
    }

    /// All of the words, or none.
    pub(crate) fn eat_words(&mut self, words: &[&str]) -> bool {
        let found = words
            .iter()
            .enumerate()
            .all(|(ahead, word)| self.word_ahead(ahead, word));
        if found {
            self.at += words.len();
        }
        found
    }

    pub(crate) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.at_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect_word(&mut self, word: &str) -> Result<(), DialectError> {
        if self.eat_word(word) {
            Ok(())
        } else {
            Err(self.error(format!("Expected {word}")))
        }
    }

    pub(crate) fn expect_symbol(&mut self, symbol: &str) -> Result<(), DialectError> {
        if self.eat_symbol(symbol) {
            Ok(())
        } else {
            Err(self.error(format!("Expected `{symbol}`")))
        }
    }

    /// The kind of object a verb is about: `DROP TABLE`, not `DROP VIEW`.
    pub(crate) fn expect_object(
        &mut self,
        verb: &str,
        object: &str,
        advice: &str,
    ) -> Result<(), DialectError> {
        if self.eat_word(object) {
            return Ok(());
        }
        if self.at_end() {
            return Err(self.error(format!("Expected {object} after {verb}")));
        }
        Err(DialectError::unsupported(
            format!("{verb} {}", self.peek_text().to_uppercase()),
            advice,
        ))
    }

    /// A syntax error at the next token.
    pub(crate) fn error(&self, message: impl AsRef<str>) -> DialectError {
        let (offset, found) = match self.peek() {
            Some(token) => (
                token.span.start,
                format!("`{}` stands here", token.text(self.sql)),
            ),
            None => (self.sql.len(), "the statement ends here".to_owned()),
        };
        syntax(
            self.sql,
            offset,
            format!("{}, but {found}.", message.as_ref()),
        )
    }

    pub(crate) fn identifier(&mut self) -> Result<String, DialectError> {
        let Some(token) = self.peek() else {
            return Err(self.error("Expected a name"));
        };
        let name = match token.kind {
            TokenKind::Word => token.text(self.sql).to_owned(),
            TokenKind::QuotedIdentifier => unquote(token.text(self.sql), '`'),
            _ => return Err(self.error("Expected a name")),
        };
        if name.is_empty() {
            return Err(self.error("Expected a name"));
        }
        self.at += 1;
        Ok(name)
    }

    pub(crate) fn object_name(&mut self) -> Result<ObjectName, DialectError> {
        let mut parts = vec![self.identifier()?];
        while self.eat_symbol(".") {
            parts.push(self.identifier()?);
        }
        let written = parts.join(".");
        object_name_of(parts).ok_or_else(|| {
            DialectError::invalid(format!(
                "The name {written} has more than three parts. A topic whose name contains dots is one quoted name: `{written}`."
            ))
        })
    }

    pub(crate) fn string(&mut self) -> Result<String, DialectError> {
        if !self.at_string() {
            return Err(self.error("Expected a string in quotes"));
        }
        let text = unquote(self.peek_text(), '\'');
        self.at += 1;
        Ok(text)
    }

    pub(crate) fn number(&mut self) -> Result<u32, DialectError> {
        match self.peek_text().parse() {
            Ok(number) => {
                self.at += 1;
                Ok(number)
            }
            Err(_) => Err(self.error("Expected a whole number")),
        }
    }

    /// `( item, item, ... )`, at least one.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, DialectError>,
    ) -> Result<Vec<T>, DialectError> {
        self.expect_symbol("(")?;
        let mut items = vec![item(self)?];
        while self.eat_symbol(",") {
            items.push(item(self)?);
        }
        self.expect_symbol(")")?;
        Ok(items)
    }

    /// An expression up to a comma, closing parenthesis or one of the words, outside parentheses. Comments are left out,
    /// white space becomes one space.
    pub(crate) fn expression(&mut self, end_words: &[&str]) -> Result<String, DialectError> {
        let (mut text, mut open, mut previous_end) = (String::new(), Vec::new(), None);
        while let Some(token) = self.peek() {
            let piece = &self.sql[token.span.clone()];
            let ends = open.is_empty()
                && ([",", ")"].contains(&piece) || end_words.iter().any(|word| self.at_word(word)));
            if ends || piece == ";" {
                break;
            }
            match piece {
                "(" => open.push(")"),
                "[" => open.push("]"),
                ")" | "]" if open.pop() != Some(piece) => {
                    return Err(self.error("Expected the expression to go on or to end"));
                }
                _ => {}
            }
            if previous_end.is_some_and(|end| end < token.span.start) {
                text.push(' ');
            }
            text.push_str(piece);
            previous_end = Some(token.span.end);
            self.at += 1;
        }
        match open.last() {
            Some(close) => Err(self.error(format!("Expected `{close}`"))),
            None if text.is_empty() => Err(self.error("Expected an expression")),
            None => Ok(text),
        }
    }

    pub(crate) fn skip_parentheses(&mut self) -> Result<(), DialectError> {
        let mut depth = 0_u32;
        loop {
            match self.peek_text() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "" => return Err(self.error("Expected `)`")),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Whether the parenthesis here holds a query and not a list of columns.
    pub(crate) fn query_in_parentheses(&self) -> bool {
        (1..)
            .take_while(|ahead| self.peek_at(*ahead).is_some())
            .find_map(|ahead| {
                let nested = self
                    .peek_at(ahead)
                    .is_some_and(|token| token.text(self.sql) == "(");
                (!nested).then(|| {
                    ["SELECT", "WITH", "VALUES"]
                        .iter()
                        .any(|word| self.word_ahead(ahead, word))
                })
            })
            == Some(true)
    }

    /// Up to the next semicolon.
    pub(crate) fn skip_query(&mut self) {
        while !self.at_end() && !self.at_symbol(";") {
            self.at += 1;
        }
    }

    pub(crate) fn skip_to_end(&mut self) {
        self.at = self.tokens.len();
    }
}

fn syntax(sql: &str, offset: usize, message: String) -> DialectError {
    let (line, column) = position(sql, offset);
    DialectError::Syntax {
        message,
        line,
        column,
    }
}

/// The text between quotes, doubled quotes made single.
pub(crate) fn unquote(text: &str, quote: char) -> String {
    let inner = text
        .strip_prefix(quote)
        .and_then(|rest| rest.strip_suffix(quote))
        .unwrap_or(text);
    inner.replace(&format!("{quote}{quote}"), &quote.to_string())
}
