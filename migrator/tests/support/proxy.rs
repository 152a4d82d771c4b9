//! A proxy on loopback between a program and its database: it delays the
//! answers, counts the messages, and cuts at a chosen place. It knows no
//! protocol: a message is what the client sends until the server answers.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A message's length differs by some digits from one run to the next.
const DIGITS: usize = 16;

/// What a proxy is to do.
#[must_use]
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    listen: SocketAddr,
    upstream: SocketAddr,
    delay: Duration,
    cut: Option<Place>,
}

/// Where in a run it is cut. Connections and messages are counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) connection: usize,
    pub(crate) message: usize,
    pub(crate) after: After,
}

/// How much of the message that is cut reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// All of it: the server acts on it, and its answer is lost.
    All { bytes: usize },
    /// Not all of it, so that the server cannot act on it.
    Bytes(usize),
}

/// A proxy at work. Dropped, it ends all connections and refuses new ones.
pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    proxy: Proxy,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    connections: Vec<Connection>,
    /// From now on nothing passes, in either direction.
    is_cut: bool,
    /// The bytes before the cut have been passed on.
    is_cut_done: bool,
    is_closed: bool,
}

#[derive(Default)]
struct Connection {
    /// The bytes of each message.
    messages: Vec<usize>,
    is_answered: bool,
    is_closed: bool,
    /// Nothing passes any more, and neither side is told.
    is_silent: bool,
    sockets: Vec<TcpStream>,
}

/// What a client's bytes may do.
enum Pass {
    All,
    /// So many of them, and then nothing more.
    Last(usize),
    Nothing,
}

impl Proxy {
    pub(crate) fn to(upstream: SocketAddr) -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            upstream,
            delay: Duration::ZERO,
            cut: None,
        }
    }

    /// Another address than a free one.
    pub(crate) fn listen(self, listen: SocketAddr) -> Self {
        assert!(listen.ip().is_loopback(), "{listen} is open to others");
        Self { listen, ..self }
    }

    /// Each answer arrives so much later; what is sent together arrives together.
    pub(crate) fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Stops everything on all connections at this place.
    pub(crate) fn cut(self, place: Place) -> Self {
        Self {
            cut: Some(place),
            ..self
        }
    }

    pub(crate) fn start(self) -> io::Result<Relay> {
        let listener = TcpListener::bind(self.listen)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            proxy: self,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let relay = Relay {
            address,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.state().is_closed {
                    return;
                }
                // A client that cannot be served sees its connection end.
                let _ = shared.serve(client);
            }
        });
        Ok(relay)
    }
}

impl Relay {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bytes of every message of every connection.
    pub(crate) fn messages(&self) -> Vec<Vec<usize>> {
        let state = self.shared.state();
        let messages = state.connections.iter().map(|one| one.messages.clone());
        messages.collect()
    }

    /// Waits until it has cut; false where it did not come to that.
    pub(crate) fn wait_for_cut(&self, patience: Duration) -> bool {
        let state = self.shared.state();
        let wait = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| !state.is_cut_done);
        wait.unwrap_or_else(PoisonError::into_inner).0.is_cut_done
    }

    /// Ends all connections, and lets new ones through undisturbed.
    pub(crate) fn reset(&self) {
        let mut state = self.shared.state();
        state.end_all();
        // Another connection than the one that was cut has another number.
        state.is_cut = false;
    }

    /// From now on nothing passes on the connections that there are, as where a
    /// firewall has forgotten them; new ones pass.
    pub(crate) fn silence(&self) {
        for one in &mut self.shared.state().connections {
            one.is_silent = true;
        }
    }

    /// Waits until a connection has come and ended; tells its messages' bytes.
    pub(crate) fn wait_for_end(&self, connection: usize) -> Vec<usize> {
        let mut state = self.shared.state();
        loop {
            if let Some(one) = state.connections.get(connection)
                && one.is_closed
            {
                return one.messages.clone();
            }
            let wait = self.shared.changed.wait(state);
            state = wait.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.is_closed = true;
        state.end_all();
        drop(state);
        // The listener looks at the word only when somebody comes.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn end_all(&self) {
        for socket in self.connections.iter().flat_map(|one| &one.sockets) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.proxy.upstream)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (mut to_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
        let mut state = self.state();
        let number = state.connections.len();
        state.connections.push(Connection {
            sockets: vec![client.try_clone()?, server.try_clone()?],
            ..Connection::default()
        });
        drop(state);

        let (answers, due) = channel();
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let _ = shared.questions(number, &mut client, &mut to_server);
            let _ = to_server.shutdown(Shutdown::Write);
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let _ = shared.answers(number, &mut server, &answers);
        });
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let _ = shared.deliver(number, &due, &mut to_client);
            let _ = to_client.shutdown(Shutdown::Write);
            shared.state().connections[number].is_closed = true;
            shared.changed.notify_all();
        });
        Ok(())
    }

    fn questions(
        &self,
        number: usize,
        client: &mut impl Read,
        server: &mut impl Write,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = client.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            match self.admit(number, read) {
                Pass::All => server.write_all(&buffer[..read])?,
                Pass::Last(bytes) => {
                    server.write_all(&buffer[..bytes])?;
                    self.state().is_cut_done = true;
                    self.changed.notify_all();
                    break;
                }
                Pass::Nothing => break,
            }
        }
        // The server must not see an end before the client has come to one.
        io::copy(client, &mut io::sink()).map(|_| ())
    }

    /// What becomes of so many further bytes of a client.
    fn admit(&self, number: usize, read: usize) -> Pass {
        let mut state = self.state();
        if state.is_cut || state.connections[number].is_silent {
            return Pass::Nothing;
        }
        let one = &mut state.connections[number];
        if one.is_answered || one.messages.is_empty() {
            one.is_answered = false;
            one.messages.push(0);
        }
        let message = one.messages.len() - 1;
        let before = one.messages[message];
        let now = before + read;
        one.messages[message] = now;
        let place = self
            .proxy
            .cut
            .filter(|place| place.connection == number && place.message == message);
        let last = match place.map(|place| place.after) {
            Some(After::All { bytes }) if now + DIGITS >= bytes => read,
            Some(After::Bytes(bytes)) if now >= bytes => bytes.saturating_sub(before),
            _ => return Pass::All,
        };
        state.is_cut = true;
        Pass::Last(last)
    }

    fn answers(
        &self,
        number: usize,
        server: &mut impl Read,
        answers: &Sender<(Instant, Vec<u8>)>,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = server.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            self.state().connections[number].is_answered = true;
            let due = Instant::now() + self.proxy.delay;
            if answers.send((due, buffer[..read].to_vec())).is_err() {
                return Ok(());
            }
        }
    }

    fn deliver(
        &self,
        number: usize,
        answers: &Receiver<(Instant, Vec<u8>)>,
        client: &mut impl Write,
    ) -> io::Result<()> {
        for (due, bytes) in answers {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let is_silent = {
                let state = self.state();
                state.is_cut || state.connections[number].is_silent
            };
            if !is_silent {
                client.write_all(&bytes)?;
            }
        }
        Ok(())
    }
}
