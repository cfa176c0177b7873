//! Connections to Postgres that are opened when they are needed, and used again.
//!
//! sqlx's own pool makes a round trip whenever a connection comes back. Here a connection that did its work comes back at
//! once; only one that was dropped in the middle of something is put in order first.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    time::Duration,
};

use deadpool::managed::{
    Manager, Metrics, Object, Pool as Managed, PoolError, RecycleResult, Status,
};
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions,
};
use tokio::{runtime::Handle, time::timeout};

/// A connection that was not used for longer than this is tested before it is used; a test is a round trip.
const TRUSTED: Duration = Duration::from_secs(1);

/// At most so many connections; cheap to clone.
#[derive(Clone)]
pub struct Pool {
    connections: Managed<Connections>,
    patience: Duration,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.status()).finish()
    }
}

impl Pool {
    /// Connects when it is first used. Nobody waits longer than `patience` for a connection.
    ///
    /// # Errors
    /// When it may have no connection.
    pub fn new(
        options: PgConnectOptions,
        max_connections: usize,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(max_connections > 0, "a pool needs a connection");
        let connections = Managed::builder(Connections(options)).max_size(max_connections);
        Ok(Self {
            connections: connections.build()?,
            patience,
        })
    }

    /// A connection for statements that each stand alone.
    ///
    /// # Errors
    /// When there is none in time, or Postgres refuses it.
    pub async fn acquire(&self) -> sqlx::Result<Connection> {
        let connection = match timeout(self.patience, self.connections.get()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(PoolError::Backend(error))) => return Err(error),
            Ok(Err(PoolError::Closed)) => return Err(sqlx::Error::PoolClosed),
            Ok(Err(_)) | Err(_) => return Err(sqlx::Error::PoolTimedOut),
        };
        Ok(Connection {
            lent: Some(connection),
            on_drop: OnDrop::Wait,
        })
    }

    /// A connection with a transaction, which is rolled back unless it is committed.
    ///
    /// # Errors
    /// As [`Pool::acquire`].
    pub async fn begin(&self) -> sqlx::Result<Transaction> {
        let mut connection = self.acquire().await?;
        // Nobody could tell whether a BEGIN that was not waited for has happened.
        connection.on_drop = OnDrop::Close;
        connection.execute("BEGIN").await?;
        connection.on_drop = OnDrop::RollBack;
        Ok(Transaction(connection))
    }

    /// How many connections there are.
    pub fn status(&self) -> Status {
        self.connections.status()
    }
}

struct Connections(PgConnectOptions);

impl Manager for Connections {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<PgConnection> {
        self.0.connect().await
    }

    async fn recycle(
        &self,
        connection: &mut PgConnection,
        about: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if about.last_used() > TRUSTED {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// A connection on loan.
pub struct Connection {
    /// Until it is dropped.
    lent: Option<Object<Connections>>,
    on_drop: OnDrop,
}

/// What becomes of a connection on loan when it is dropped.
#[derive(Clone, Copy)]
enum OnDrop {
    /// It comes back as it is.
    Return,
    /// An answer may be outstanding: it comes back after that.
    Wait,
    /// It comes back without the transaction.
    RollBack,
    Close,
}

impl Connection {
    /// Gives the connection back. All that was asked must have been answered, and successfully.
    pub fn release(mut self) {
        self.on_drop = OnDrop::Return;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else {
            return;
        };
        match (self.on_drop, Handle::try_current()) {
            (OnDrop::Return, _) => drop(lent),
            (OnDrop::Close, _) | (_, Err(_)) => drop(Object::take(lent)),
            (OnDrop::Wait, Ok(runtime)) => drop(runtime.spawn(settle(lent, false))),
            (OnDrop::RollBack, Ok(runtime)) => drop(runtime.spawn(settle(lent, true))),
        }
    }
}

/// Ends what a connection was in the middle of, or closes it. Postgres gives up a statement that takes too long.
async fn settle(mut lent: Object<Connections>, roll_back: bool) {
    let settled = async {
        if roll_back {
            lent.execute("ROLLBACK").await.map(drop)
        } else {
            lent.ping().await
        }
    };
    if let Err(error) = settled.await {
        tracing::debug!(%error, "a connection to the database is closed");
        drop(Object::take(lent));
    }
}

impl Deref for Connection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.lent.as_ref().expect(LENT)
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.lent.as_mut().expect(LENT)
    }
}

const LENT: &str = "a connection is there until it is dropped";

/// A connection on loan, with a transaction.
pub struct Transaction(Connection);

impl Transaction {
    /// # Errors
    /// When Postgres refuses it or does not answer.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        self.0.execute("COMMIT").await?;
        self.0.release();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
