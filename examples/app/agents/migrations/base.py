# Copyright: (c) 2026, the mas.ops authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of version 1. DOUBLE PRECISION holds seconds since 1970, in UTC."""

from __future__ import annotations

from agents.migrations.step import Step

AGENTS = """
CREATE TABLE agents (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  registered DOUBLE PRECISION NOT NULL,
  seen DOUBLE PRECISION NOT NULL
)"""
TASKS = """
CREATE TABLE tasks (
  id {identity},
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  agent TEXT NOT NULL DEFAULT '',
  lane TEXT NOT NULL DEFAULT 'normal',
  state TEXT NOT NULL DEFAULT 'queued',
  worker TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0,
  lease_until DOUBLE PRECISION,
  result TEXT,
  created DOUBLE PRECISION NOT NULL,
  finished DOUBLE PRECISION
)"""
TASKS_OPEN = "CREATE INDEX tasks_open ON tasks (id) WHERE state IN ('queued', 'running')"
MESSAGES = """
CREATE TABLE messages (
  id {identity},
  sender TEXT NOT NULL,
  recipient TEXT NOT NULL,
  body TEXT NOT NULL,
  sent DOUBLE PRECISION NOT NULL
)"""
INBOX = "CREATE INDEX messages_inbox ON messages (recipient, id)"

STEP = Step(
    name="0001-base",
    expand=(AGENTS, TASKS, TASKS_OPEN, MESSAGES, INBOX),
)
