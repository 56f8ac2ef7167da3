//! Making a failing script small.

use super::script::Script;

/// The smallest script found for which `fails` still holds.
pub(crate) async fn minimise(script: Script, mut fails: impl AsyncFnMut(&Script) -> bool) -> Script {
    let mut small = script;
    let mut chunk = small.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        let mut shrunk = false;
        while at < small.len() {
            let mut steps = small.steps.clone();
            steps.drain(at..(at + chunk).min(small.len()));
            let candidate = Script { steps };
            if fails(&candidate).await {
                small = candidate;
                shrunk = true;
            } else {
                at += chunk;
            }
        }
        if chunk > 1 {
            chunk = chunk.div_ceil(2);
        } else if !shrunk {
            return small;
        }
    }
}
