//! Migrations and seeds that fail, hang, flood, or make nothing.

use super::super::row::{Row, row};

/// The rows.
pub fn rows() -> Vec<Row> {
    vec![
        row("migrate-and-seed/migration-fails", "A migration raises an exception.", 3)
            .faults("migrate=raise")
            .stage("migrate")
            .says("ERROR: the migrations")
            .quick(),
        row(
            "migrate-and-seed/migration-hangs",
            "A migration hangs: at its deadline its stack is in the log, and it is ended.",
            3,
        )
        .faults("migrate=hang")
        .edit("[server]\n", "[steps]\nmigrate_timeout = \"3s\"\n[server]\n")
        .stage("migrate")
        .says("did not end within 3 s and was stopped")
        .says("most recent call first")
        .quick(),
        row(
            "migrate-and-seed/seed-raises-half-way",
            "The seed raises in the middle; the run after it works.",
            3,
        )
        .faults("seed=raise@half")
        .stage("seed")
        .then(|scene, _| {
            let healthy = row("again", "", 0);
            scene.again(&healthy, 0).map(drop)
        }),
    ]
}
