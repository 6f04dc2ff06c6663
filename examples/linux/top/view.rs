//! The live view: looks again and again, and listens to the keyboard. How it looks is in `drawing`.

use super::reading::{self, Picture};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::widgets::TableState;
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::ffi::c_int;
use std::io::{self, ErrorKind, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(500);
/// Pictures that are remembered: as many as the widest terminals have columns.
const REMEMBERED: usize = 600;

/// Set by signals that ask to end.
static TO_END: AtomicBool = AtomicBool::new(false);

extern "C" fn end(_signal: c_int) {
    TO_END.store(true, Relaxed);
}

/// Shows a process until somebody quits.
pub fn run(process: u32) -> Result<(), Box<dyn Error>> {
    let mut view = View::new(process, reading::look(process)?);
    if !io::stdout().is_terminal() {
        return Err(format!("not a terminal: try --once {process}").into());
    }
    // Not SIGHUP: it ends the process by itself. Its terminal is gone then; there is nothing to restore, and to wait for
    // keys from it would never end.
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: the handler only sets a flag.
        unsafe { libc::signal(signal, end as extern "C" fn(c_int) as libc::sighandler_t) };
    }
    let mut terminal = ratatui::try_init()?; // a panic restores it, too
    let result = (|| {
        let mut next = Instant::now() + view.interval;
        while !TO_END.load(Relaxed) {
            terminal.draw(|frame| view.draw(frame))?;
            match event::poll(next.saturating_duration_since(Instant::now())) {
                Ok(true) => match event::read()? {
                    Event::Key(key) if quits(key) => break,
                    Event::Key(key) => view.scroll(key.code),
                    _ => {} // a new size shows when it is drawn
                },
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            if next <= Instant::now() {
                view.look_again();
                next = Instant::now() + view.interval;
            }
        }
        Ok(())
    })();
    ratatui::restore();
    Ok(result?)
}

fn quits(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && (matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc)
            || (control && key.code == KeyCode::Char('c')))
}

pub struct View {
    pub process: u32,
    pub picture: Picture,
    /// From one picture to the next.
    pub interval: Duration,
    /// Resident bytes of each arena, by address and name, latest last.
    pub history: HashMap<(u64, String), VecDeque<u64>>,
    /// Why there is no newer picture.
    pub trouble: Option<String>,
    pub table: TableState,
    /// Arenas that the terminal has lines for.
    pub visible: usize,
}

impl View {
    fn new(process: u32, picture: Picture) -> Self {
        let mut view = Self {
            process,
            picture,
            interval: INTERVAL,
            history: HashMap::new(),
            trouble: None,
            table: TableState::default(),
            visible: 0,
        };
        view.remember();
        view
    }

    fn look_again(&mut self) {
        if self.trouble.is_some() {
            return;
        }
        let start = Instant::now();
        let picture = reading::look(self.process);
        // Of a process with very many pages: it may have to wait while somebody looks.
        self.interval = INTERVAL.max(10 * start.elapsed());
        match picture {
            Ok(picture) if picture.started == self.picture.started => {
                self.picture = picture;
                self.remember();
            }
            Ok(_) | Err(reading::Trouble::NoProcess(_)) => {
                self.trouble = Some("the process has ended".into());
            }
            Err(error) => self.trouble = Some(error.to_string()),
        }
    }

    fn remember(&mut self) {
        let mut before = std::mem::take(&mut self.history);
        for arena in &self.picture.arenas {
            let key = (arena.address, arena.name.clone());
            let mut values = before.remove(&key).unwrap_or_default();
            values.push_back(arena.resident);
            if values.len() > REMEMBERED {
                values.pop_front();
            }
            self.history.insert(key, values);
        }
    }

    fn scroll(&mut self, key: KeyCode) {
        let offset = self.table.offset_mut();
        *offset = match key {
            KeyCode::Up => offset.saturating_sub(1),
            KeyCode::Down => *offset + 1,
            KeyCode::PageUp => offset.saturating_sub(self.visible),
            KeyCode::PageDown => *offset + self.visible,
            KeyCode::Home => 0,
            KeyCode::End => usize::MAX, // `draw_arenas` knows where it ends
            _ => return,
        };
    }
}
