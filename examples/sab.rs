#![allow(missing_docs, dead_code)]
#[path = "../tests/it/conformance"]
mod conformance {
    pub mod saboteurs;
}
use conformance::saboteurs;
use duroxide::providers::WorkItem;
fn start_item(instance: &str, orchestration: &str) -> WorkItem {
    WorkItem::StartOrchestration {
        instance: instance.to_owned(),
        orchestration: orchestration.to_owned(),
        input: String::new(),
        version: None,
        parent_instance: None,
        parent_id: None,
        parent_execution_id: None,
        execution_id: 1,
    }
}
fn main() {
    let filters: Vec<String> = std::env::args().skip(1).collect();
    let all = saboteurs::all();
    let chosen: Vec<_> = all
        .into_iter()
        .filter(|s| {
            filters.is_empty() || filters.iter().any(|f| s.rule.starts_with(f.as_str()) || s.name.contains(f.as_str()))
        })
        .collect();
    let mut bad = 0;
    for s in &chosen {
        let began = std::time::Instant::now();
        let hunt = saboteurs::chase(*s);
        match &hunt.finding {
            Some(f) => {
                println!(
                    "ok   {:45} {:40} {:7} calls {:6.2?} {:?}",
                    s.rule,
                    s.name,
                    hunt.calls,
                    began.elapsed(),
                    hunt.others
                );
                if std::env::var("SHOW").is_ok() {
                    println!("{}", f.script);
                }
            }
            None => {
                bad += 1;
                println!(
                    "FREE {:45} {:40} {:7} calls {:6.2?} {:?}",
                    s.rule,
                    s.name,
                    hunt.calls,
                    began.elapsed(),
                    hunt.others
                );
            }
        }
    }
    println!("{bad} free of {}", chosen.len());
}
