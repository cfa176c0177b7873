use crate::tokenizer::tokenize;

/// The statement without comments, with one space between tokens and without a trailing semicolon.
///
/// Two statements with equal normal forms mean the same to Flink. Hints (`/*+ ... */`) are part of the statement,
/// and so is the case of every word, since Flink's identifiers are case-sensitive.
pub fn normalize(sql: &str) -> String {
    let mut words: Vec<String> = tokenize(sql)
        .iter()
        .filter(|token| token.is_significant())
        .map(|token| {
            let text = token.text(sql);
            // White space inside a hint means nothing either.
            if token.is_hint() {
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            } else {
                text.to_owned()
            }
        })
        .collect();
    while words.last().is_some_and(|word| word == ";") {
        words.pop();
    }
    words.join(" ")
}

/// Whether the two texts are the same statement, comments and white space aside.
pub fn same_statement(left: &str, right: &str) -> bool {
    normalize(left) == normalize(right)
}
