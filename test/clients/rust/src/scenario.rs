//! Runs named scenarios and prints a line for each, as README.md of the folder above describes.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Prints the verdict on one scenario.
pub async fn run(name: &str, scenario: impl Future<Output = Result<()>>) {
    match scenario.await {
        Ok(()) => println!("PASS {name}"),
        Err(error) => println!("FAIL {name}: {}", format!("{error:#}").replace('\n', " ")),
    }
}

/// Prints that the library cannot do a scenario, and why.
pub fn skip(name: &str, why: &str) {
    println!("SKIP {name}: {why}");
}

/// The namespace the suite has for itself.
pub fn namespace() -> String {
    std::env::var("KUBEMU_NAMESPACE").expect("KUBEMU_NAMESPACE")
}

/// Asks the runner to do something with the server: "restart" or "compact".
pub async fn control(action: &str) -> Result<()> {
    let base = std::env::var("KUBEMU_CONTROL")?;
    let address = base.trim_start_matches("http://").to_string();
    let mut stream = tokio::net::TcpStream::connect(&address).await?;
    let request = format!("POST /{action} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    expect(answer.starts_with("HTTP/1.1 200"), || format!("{action}: {answer}"))
}

/// An error with this text unless the condition holds.
pub fn expect(condition: bool, text: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(anyhow!(text())) }
}

/// Calls `check` until it succeeds; its last error when that takes too long.
pub async fn eventually<T, F>(mut check: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match check().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() > deadline => bail!(error),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}
