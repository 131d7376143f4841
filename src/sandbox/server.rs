//! Sockets: HTTP over TCP or TLS on a local address. Everything asynchronous of the sandbox is here.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body as HttpBody, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::serve::IncomingStream;
use futures::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use super::answer::{Answer, Body, Refusal};
use super::call::{Call, decode, pairs};
use super::service::{Delivery, answer};
use super::state::State;

/// A request body may have so many bytes.
const BODY_LIMIT: usize = 16 << 20;

/// A connection that takes longer for its handshake is dropped.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What the handlers share.
#[derive(Clone)]
pub struct Served {
    state: Arc<Mutex<State>>,
    scheme: &'static str,
    latency: Duration,
    local: SocketAddr,
}

impl Served {
    pub fn new(state: Arc<Mutex<State>>, scheme: &'static str, latency: Duration, local: SocketAddr) -> Served {
        Served {
            state,
            scheme,
            latency,
            local,
        }
    }
}

/// The state, also after a handler has failed while holding it.
pub fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until told to stop.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, served: Served, stop: oneshot::Receiver<()>) {
    let connections = Connections::new(listener, tls);
    let router: Router = Router::new().fallback(handle).with_state(served);
    let service = router.into_make_service_with_connect_info::<Link>();
    let serving = axum::serve(connections, service);
    tokio::select! {
        _ = async { serving.await } => {}
        _ = stop => {}
    }
}

async fn handle(
    Shared(served): Shared<Served>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: Request,
) -> Response<HttpBody> {
    let call = match taken_apart(&served, request).await {
        Ok(call) => call,
        Err(refusal) => return written(refusal.into(), Delivery::Whole),
    };
    if !served.latency.is_zero() {
        tokio::time::sleep(served.latency).await;
    }
    let (answer, delivery) = {
        let mut call = call;
        answer(&mut lock(&served.state), &mut call)
    };
    match delivery {
        Delivery::Reset => link.end(true),
        Delivery::Dropped => link.end(false),
        _ => {}
    }
    written(answer, delivery)
}

async fn taken_apart(served: &Served, request: Request) -> Result<Call, Refusal> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        Refusal::new(
            413,
            "RequestEntityTooLarge",
            "The request content is too large or was cut.",
        )
    })?;
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map_or_else(|| served.local.to_string(), str::to_owned);
    Ok(Call {
        number: 0,
        method: parts.method,
        path: decode(parts.uri.path()),
        query: pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body,
        origin: format!("{}://{host}", served.scheme),
    })
}

fn written(answer: Answer, delivery: Delivery) -> Response<HttpBody> {
    let (kind, bytes) = match answer.body {
        Body::Empty => (None, Vec::new()),
        Body::Json(value) => (
            Some("application/json; charset=utf-8"),
            serde_json::to_vec(&value).unwrap_or_default(),
        ),
        Body::Text(kind, text) => (Some(kind), text.into_bytes()),
    };
    let length = bytes.len();
    let body = match delivery {
        Delivery::Cut => cut(bytes),
        Delivery::Slow(pause) => slow(bytes, Duration::from_millis(pause)),
        _ => HttpBody::from(bytes),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// Half of the body, then an error, which ends the connection.
fn cut(bytes: Vec<u8>) -> HttpBody {
    let half = Bytes::copy_from_slice(bytes.get(..bytes.len() / 2).unwrap_or_default());
    let parts = [Ok(half), Err(io::Error::from(io::ErrorKind::ConnectionAborted))];
    HttpBody::from_stream(stream::iter(parts))
}

/// Sixteen drops with pauses between them.
fn slow(bytes: Vec<u8>, pause: Duration) -> HttpBody {
    let drop = (bytes.len() / 16).max(1);
    let parts: Vec<Bytes> = bytes.chunks(drop).map(Bytes::copy_from_slice).collect();
    HttpBody::from_stream(stream::unfold(parts.into_iter(), move |mut parts| async move {
        let part = parts.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, io::Error>(part), parts))
    }))
}

/// A way for a handler to end its connection.
#[derive(Clone, Debug)]
pub struct Link {
    ended: Arc<AtomicBool>,
    reset: Arc<AtomicBool>,
}

impl Link {
    fn end(&self, reset: bool) {
        self.reset.store(reset, Ordering::Relaxed);
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Connections>> for Link {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Accepts connections and makes the handshakes beside one another.
struct Connections {
    ready: mpsc::Receiver<(Connection, Link)>,
    task: tokio::task::JoinHandle<()>,
}

impl Connections {
    fn new(listener: TcpListener, tls: Option<TlsAcceptor>) -> Connections {
        let (sender, ready) = mpsc::channel(64);
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(greet(stream, tls.clone(), sender.clone()));
                    }
                    // Out of file handles, most likely: wait for connections to end.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Connections { ready, task }
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn greet(stream: TcpStream, tls: Option<TlsAcceptor>, ready: mpsc::Sender<(Connection, Link)>) {
    let _ = stream.set_nodelay(true);
    let link = Link {
        ended: Arc::default(),
        reset: Arc::default(),
    };
    let raw = Raw {
        stream,
        link: link.clone(),
    };
    let connection = match tls {
        None => Connection(Box::pin(raw)),
        Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(raw)).await {
            Ok(Ok(stream)) => Connection(Box::pin(stream)),
            _ => return,
        },
    };
    let _ = ready.send((connection, link)).await;
}

impl axum::serve::Listener for Connections {
    type Io = Connection;
    type Addr = Link;

    async fn accept(&mut self) -> (Connection, Link) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Link> {
        Ok(Link {
            ended: Arc::default(),
            reset: Arc::default(),
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// A connection of either kind.
struct Connection(Pin<Box<dyn Stream>>);

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(context)
    }
}

/// A socket that refuses to write once its link was ended.
struct Raw {
    stream: TcpStream,
    link: Link,
}

impl Raw {
    fn check(&self) -> io::Result<()> {
        if !self.link.ended.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.link.reset.load(Ordering::Relaxed) {
            let _ = self.stream.set_zero_linger();
        }
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    }
}

impl AsyncRead for Raw {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Raw {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Err(error) = self.check() {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
