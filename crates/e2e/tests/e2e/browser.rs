//! The screens in a real browser against the real product. The scenarios themselves are in `frontend/e2e`.

use anyhow::{Result, ensure};
use hc_e2e::repository;
use tokio::process::Command;

use crate::home::Home;

#[tokio::test]
async fn the_screens_show_and_change_the_verdicts() -> Result<()> {
    let home = Home::new(&[("SIMULATION_RECORDS_PER_SECOND", "20")])?;
    let product = home.start().await?;
    let status = Command::new("npm")
        .args(["run", "--silent", "e2e"])
        .current_dir(repository().join("frontend"))
        .env("HC_UI_URL", product.url("UI_PORT", ""))
        .status()
        .await?;
    ensure!(status.success(), "Playwright ended with {status}");
    Ok(())
}
