//! `modtrail explain`: what a verdict or a finding means and what to do.

use super::failure::Failure;
use super::output;
use crate::tui::view::line::wrap;
use modtrail_core::entities::Verdict;
use modtrail_core::explain::pages::page;
use modtrail_core::findings::Kind;
use std::process::ExitCode;

/// Runs the command: the page of `name`, or the list of names.
///
/// # Errors
/// [`Failure`] if nothing has this name.
pub fn run(name: Option<&str>) -> Result<ExitCode, Failure> {
    let Some(name) = name else {
        let _ = output::line(&format!("verdicts: {}\nfindings: {}", verdicts(), findings()))?;
        return Ok(ExitCode::SUCCESS);
    };
    let known = name.to_lowercase().replace(['-', ' '], "_");
    let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == known).map(page);
    let text = verdict.or_else(|| Kind::ALL.into_iter().find(|kind| kind.as_str() == known).map(Kind::page));
    let Some(text) = text else {
        let choices = format!("verdicts: {}; findings: {}", verdicts(), findings());
        return Err(Failure::usage(&format!("no verdict or finding is called {name}: {choices}")));
    };
    let _ = output::line(&format!("{known}\n\n{}", wrap(text, WIDTH).join("\n")))?;
    Ok(ExitCode::SUCCESS)
}

fn verdicts() -> String {
    Verdict::ALL.map(Verdict::as_str).join(" ")
}

fn findings() -> String {
    Kind::ALL.map(Kind::as_str).join(" ")
}

/// Columns of a page.
const WIDTH: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_page_and_no_other() {
        for name in Verdict::ALL.map(Verdict::as_str).into_iter().chain(Kind::ALL.map(Kind::as_str)) {
            assert!(run(Some(name)).is_ok(), "{name}");
        }
        assert!(run(Some("Already-Live")).is_ok() && run(Some("nosuch")).is_err());
    }
}
