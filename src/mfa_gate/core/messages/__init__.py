"""Words of mails, texts, calls, notices and alarms: pure functions from facts to text."""
