//! The one sentence that matters in a Java stack trace.

/// Longest text, in characters, that is shown as the detail of a statement.
const DETAIL_MAX: usize = 1500;

/// Most alternatives of a syntax error, in lines, that are worth showing.
const EXPECTATIONS_MAX: usize = 8;

/// One exception of a trace: class name and message (which may have several lines).
struct Link<'a> {
    class: &'a str,
    message: String,
}

/// The deepest cause of a stack trace, without class names and frames.
///
/// A cause without a message is named by its class behind the nearest message above it.
/// Calcite's outer exception adds only the position to the inner text, so that one is preferred.
pub fn deepest(trace: &str) -> String {
    let chain = chain(trace);
    let Some(at) = chain.iter().rposition(|link| !link.message.is_empty()) else {
        let fallback = chain
            .last()
            .map_or(trace.trim(), |link| simple_name(link.class));
        return shorten(fallback);
    };
    let mut text = chain[at].message.clone();
    if at > 0 && chain[at - 1].class.ends_with("CalciteContextException") {
        text.clone_from(&chain[at - 1].message);
    }
    if let Some(silent) = chain.get(at + 1) {
        text = format!("{text} ({})", simple_name(silent.class));
    }
    shorten(without_expectations(&text))
}

/// The deepest cause of a task's failure. Where a record could not be read, with the table that it was read for, which
/// the trace does not name.
pub fn of_task(task: &str, trace: &str) -> String {
    let deepest = deepest(trace);
    let table = task
        .strip_prefix("Source: ")
        .and_then(|task| Some(task.split_once('[')?.0))
        .filter(|_| trace.contains("Failed to deserialize consumer record"));
    match table {
        Some(table) => shorten(&format!("A record of {table} cannot be read: {deepest}")),
        None => deepest,
    }
}

/// The parser names every word it would have taken instead, a hundred lines that help nobody.
fn without_expectations(text: &str) -> &str {
    match text.split_once("\nWas expecting") {
        Some((before, expected)) if expected.lines().count() > EXPECTATIONS_MAX => before,
        _ => text,
    }
}

/// Cuts a text to what a detail may hold.
pub fn shorten(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= DETAIL_MAX {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(DETAIL_MAX - 2).collect();
    cut.push_str(" …");
    cut
}

fn chain(trace: &str) -> Vec<Link<'_>> {
    let mut links: Vec<Link<'_>> = Vec::new();
    let mut in_message = false;
    for line in trace.lines() {
        let trimmed = line.trim();
        let start = trimmed.strip_prefix("Caused by: ");
        let is_frame = trimmed.starts_with("at ") && trimmed.ends_with(')')
            || trimmed.starts_with("... ")
            || trimmed.starts_with("End of exception on server side")
            || trimmed.starts_with("<Exception on server side")
            || trimmed.starts_with("Suppressed: ");
        if is_frame {
            in_message = false;
        } else if let Some(head) = start.or((links.is_empty()).then_some(trimmed)) {
            if let Some(link) = parse_head(head) {
                links.push(link);
                in_message = true;
            }
        } else if in_message && let Some(link) = links.last_mut() {
            link.message.push('\n');
            link.message.push_str(line);
        }
    }
    for link in &mut links {
        link.message = own_text(&link.message);
    }
    links
}

/// `some.package.ClassName: message`, or `some.package.ClassName`.
fn parse_head(head: &str) -> Option<Link<'_>> {
    let (class, message) = head
        .split_once(": ")
        .unwrap_or((head.trim_end_matches(':'), ""));
    is_class(class).then(|| Link {
        class,
        message: message.to_owned(),
    })
}

/// A message that only repeats another exception (`pkg.Class: text`) is that text.
fn own_text(message: &str) -> String {
    let mut text = message.trim();
    while let Some((class, rest)) = text.split_once(": ") {
        if !is_class(class) {
            break;
        }
        text = rest;
    }
    text.trim().to_owned()
}

fn is_class(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|part| !part.is_empty())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '$' | '_'))
        && simple_name(text).starts_with(|c: char| c.is_ascii_uppercase())
}

fn simple_name(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_wrong_column_is_kept() {
        let trace = "<Exception on server side:
org.apache.flink.table.gateway.api.utils.SqlGatewayException: org.apache.flink.table.gateway.service.utils.SqlExecutionException: Failed to execute the operation a1.
\tat org.apache.flink.table.gateway.rest.handler.AbstractSqlGatewayRestHandler.respondToRequest(A.java:1)
Caused by: org.apache.flink.table.api.ValidationException: SQL validation failed. From line 1, column 8 to line 1, column 18: Column 'metric_valu' not found in table 'm'
\tat org.apache.flink.X.y(X.java:2)
\t... 7 more
Caused by: org.apache.calcite.runtime.CalciteContextException: From line 1, column 8 to line 1, column 18: Column 'metric_valu' not found in table 'm'
\tat java.base/jdk.internal.reflect.Z.newInstance(Unknown Source)
Caused by: org.apache.calcite.sql.validate.SqlValidatorException: Column 'metric_valu' not found in table 'm'
\tat a.b.C.d(C.java:4)

End of exception on server side>";
        assert_eq!(
            deepest(trace),
            "From line 1, column 8 to line 1, column 18: Column 'metric_valu' not found in table 'm'"
        );
    }

    #[test]
    fn several_lines_stay_several_lines() {
        let trace = "org.apache.flink.table.api.TableException: Failed.
\tat a.b.C.d(C.java:4)
Caused by: org.apache.flink.table.api.ValidationException: Unsupported options found for 'kafka'.

Unsupported options:

changelog.mod
\tat a.b.C.d(C.java:4)";
        assert_eq!(
            deepest(trace),
            "Unsupported options found for 'kafka'.\n\nUnsupported options:\n\nchangelog.mod"
        );
    }

    #[test]
    fn a_syntax_error_shows_its_place_and_few_alternatives() {
        let syntax = |words: usize| {
            let list = "\n    \"WORD\" ...".repeat(words);
            let error =
                format!("Encountered \"FORM\" at line 1, column 10.\nWas expecting one of:{list}");
            deepest(&format!(
                "a.b.SqlParserException: SQL parse failed. {error}\n\tat a.b.C.d(C.java:4)\nCaused by: a.b.ParseException: {error}\n    \n\tat a.b.C.d(C.java:4)"
            ))
        };
        assert_eq!(syntax(100), "Encountered \"FORM\" at line 1, column 10.");
        assert!(syntax(2).ends_with("Was expecting one of:\n    \"WORD\" ...\n    \"WORD\" ..."));
    }

    #[test]
    fn a_cause_without_words_is_named() {
        let trace = "java.io.IOException: Failed to deserialize consumer record
\tat a.b.C.d(C.java:4)
Caused by: java.io.IOException: Failed to deserialize Avro record.
\tat a.b.C.d(C.java:4)
Caused by: java.io.EOFException
\tat a.b.C.d(C.java:4)";
        assert_eq!(
            deepest(trace),
            "Failed to deserialize Avro record. (EOFException)"
        );
        assert_eq!(
            deepest("java.lang.NullPointerException\n\tat a.b.C.d(C.java:4)"),
            "NullPointerException"
        );
    }

    #[test]
    fn the_table_of_an_unreadable_record_is_named() {
        let trace = "java.io.IOException: Failed to deserialize consumer record due to
\tat a.b.C.d(C.java:4)
Caused by: java.io.IOException: Unknown data format. Magic number does not match
\tat a.b.C.d(C.java:4)";
        let magic = "Unknown data format. Magic number does not match";
        assert_eq!(
            of_task("Source: readings[1] -> Calc[2] (1/1)#0", trace),
            format!("A record of readings cannot be read: {magic}")
        );
        assert_eq!(of_task("Join[3] (1/1)#0", trace), magic);
    }

    #[test]
    fn text_that_is_no_trace_is_kept_and_cut() {
        assert_eq!(deepest("Not found: /v3/x"), "Not found: /v3/x");
        assert_eq!(deepest(&"x".repeat(4000)).chars().count(), 1500);
    }
}
