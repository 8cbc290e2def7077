//! What a project needs beside its server: a database server of the run's own. A service is
//! started before the migrations, and stopped after the server.

pub mod postgres;
