//! Exports the histories of all instances of a database, one for each shape:
//! `cargo run -p provider-checks --example record -- sqlite:orders.db tests/histories`, or with the
//! URL of a PostgreSQL database in place of `sqlite:…`.

use std::error::Error;
use std::sync::Arc;

use duroxide::Client;
use duroxide::providers::Provider;
use duroxide::providers::sqlite::SqliteProvider;
use duroxide_pg::PostgresProvider;
use duroxide_sim::recorded::Recorded;

async fn provider(url: &str) -> Result<Arc<dyn Provider>, Box<dyn Error>> {
    Ok(match url.split(':').next() {
        Some("sqlite") => Arc::new(SqliteProvider::new(url, None).await?),
        Some("postgres" | "postgresql") => Arc::new(PostgresProvider::new(url).await?),
        _ => return Err(format!("{url:?} begins neither with sqlite: nor with postgres:.").into()),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, folder] = arguments.as_slice() else {
        return Err("It takes the URL of a database and a folder for the histories.".into());
    };
    let client = Client::new(provider(url).await?);
    for recorded in Recorded::all_of(&client).await? {
        println!("{} -> {}", recorded.instance, recorded.add_to(folder)?.display());
    }
    Ok(())
}
