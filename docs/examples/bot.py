#!/usr/bin/env python3
"""A bot for the chat: the client's scripted mode does the talking, this does the thinking.

    CHAT_PASSWORD=... bot.py NAME [HOST:PORT]

It makes friends with whoever asks and answers them:

    hello           a greeting
    dice 2d6        rolls dice
    echo TEXT       the text, all its lines

The client keeps the session, reconnects, and shows what was said while the bot was away. After a crash it shows the last second
again: what was answered is noted in NAME.answered, in the working directory. CHAT_CLIENT names the client's program if it is not
on the PATH.
"""

import json
import os
import random
import re
import subprocess
import sys


class Chat:
    """A client: commands go in, one a line, and objects come out, one a line."""

    def __init__(self, server):
        program = os.environ.get("CHAT_CLIENT", "client")
        self.client = subprocess.Popen(
            [program, "--json", "--server", server, "--wait", "60"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def do(self, command):
        """Gives a command. As a JSON string it may hold line breaks, and nothing a text holds can be another command."""
        self.client.stdin.write(json.dumps(command) + "\n")
        self.client.stdin.flush()

    def say(self, to, text):
        self.do(f"/msg {to} {text}")

    def objects(self):
        """Events and outcomes, as they come, to the client's end."""
        for line in self.client.stdout:
            yield json.loads(line)


class Answered:
    """Up to which message each conversation was answered."""

    def __init__(self, path):
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                self.seqs = json.load(file)
        except FileNotFoundError:
            self.seqs = {}

    def is_news(self, message):
        return message["seq"] > self.seqs.get(str(message["conv"]), 0)

    def note(self, message):
        """Before it is answered: rather no answer than two."""
        self.seqs[str(message["conv"])] = message["seq"]
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.seqs, file)
        os.replace(self.path + ".new", self.path)


def answer(text):
    """What to say to a text, if anything."""
    word, _, rest = text.partition(" ")
    if word == "hello":
        return "hello yourself; I know: hello, dice, echo"
    if word == "echo" and rest:
        return rest
    dice = re.fullmatch(r"dice ([1-9][0-9]?)d([1-9][0-9]{0,2})", text)
    if dice:
        count, sides = int(dice[1]), int(dice[2])
        rolls = [random.randint(1, sides) for _ in range(count)]
        return f"{' + '.join(map(str, rolls))} = {sum(rolls)}"
    return None


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    name, server = sys.argv[1], (sys.argv[2:] or ["127.0.0.1:7000"])[0]
    chat = Chat(server)
    chat.do(f"/login {name}")
    # Whoever asked while the bot was away.
    chat.do("/requests")
    answered = Answered(f"{name}.answered")
    me = None
    for it in chat.objects():
        kind = it["type"]
        if kind == "signed_in":
            me = it["id"]
        elif kind == "done" and it["command"] == "/requests":
            for request in it["requests"]:
                if request["direction"] == "in":
                    chat.do(f"/accept {request['id']}")
        elif kind == "friend" and it["event"] == "requested" and it["by"] != me:
            chat.do(f"/accept {it['id']}")
        elif kind == "message" and it["kind"] == "text" and it["from"] != me and "friend" in it:
            reply = answer(it["msg"])
            if reply is not None and answered.is_news(it):
                answered.note(it)
                chat.say(it["friend"], reply)
        elif kind in ("refused", "failed"):
            print(f"{it['command']}: {it['message']}", file=sys.stderr)
    sys.exit(chat.client.wait())


if __name__ == "__main__":
    main()
