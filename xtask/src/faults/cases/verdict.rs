//! Services that do not have what the scenario asks for, or fail before the load starts.

use super::super::case::{FaultCase, case};

/// The cases.
pub fn cases() -> Vec<FaultCase> {
    vec![
        case("verdict/no-endpoint", "A task asks for a path that does not exist.", 5)
            .edit("path = \"/api/v1/reports/\"", "path = \"/api/v1/report/\"")
            .stage("load")
            .says("list_reports: 404 at GET /api/v1/report/?page_size=25, perf.toml:")
            .quick(),
        case("verdict/no-method", "A task uses a method that its endpoint does not have.", 5)
            .edit("path = \"/api/v1/reports/\"", "path = \"/api/v1/reports/\"\nmethod = \"DELETE\"")
            .stage("load")
            .says("list_reports: 405 at DELETE /api/v1/reports/"),
        case("verdict/gone", "An endpoint is 410 from the start.", 5)
            .faults("reports=status:410")
            .stage("load")
            .says("list_reports: 410 at GET /api/v1/reports/"),
        case("verdict/error-at-once", "An endpoint is 500 from the start: judged, and named.", 1)
            .faults("reports=status:500")
            .flags(&["-t", "4s", "--fail", "error_rate(list_reports) <= 1%"])
            .stage("judge")
            .says("first round: list_reports: GET /api/v1/reports/")
            .says("violated: error_rate(list_reports)"),
    ]
}
