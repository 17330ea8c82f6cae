"""python client.py http://127.0.0.1:8787 KEY "Where is the cup?" 1.jpg 2.jpg 3.jpg   (pip install websockets)"""
import json, struct, sys, urllib.request
from websockets.sync.client import connect

def jpeg_size(file, data):
    at = 2 if data.startswith(b"\xff\xd8") else sys.exit(f"{file} is no JPEG, and this client sends nothing else")
    while not 0xFFC0 <= (segment := struct.unpack(">HH", data[at : at + 4]))[0] <= 0xFFC2:
        at += 2 + segment[1]  # segments follow the start marker; SOF0–SOF2 hold height and width
    return struct.unpack(">HH", data[at + 5 : at + 9])[::-1]

url, key, question, *files = sys.argv[1:] if len(sys.argv) > 4 else sys.exit(__doc__)
headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
try:
    created = json.load(urllib.request.urlopen(urllib.request.Request(f"{url}/v1/sessions", b"{}", headers)))
except OSError as error:  # 401: the key is wrong; refused: nothing runs there
    sys.exit(f"{url}: {error}")

with connect(created["wsUrl"], subprotocols=created["protocols"], max_size=None) as socket:
    say = lambda type, **fields: socket.send(json.dumps({"type": type, **fields}))
    say("session-resume", lastSeq=0, streams=[])
    say("stream-open", stream=0, policy="all")
    window = sent = verdicts = received = seq = 0
    while True:
        while sent < len(files) and sent - verdicts < window:  # a verdict is the credit for the next frame
            data = open(files[sent], "rb").read()
            frame = (0xF0, 1, 1, 1, sent + 1, 0, 0, *jpeg_size(files[sent], data), sent * 250.0, 0.0, verdicts, 0)
            socket.send(struct.pack("<BBBBIHHHHddII", *frame) + data)
            sent += 1
        message = json.loads(socket.recv())
        received, seq, window = received + 1, message.get("seq", seq), message.get("window", window)
        if received % 64 == 0:
            say("ack", seq=seq, received=received)
        if message["type"] in ("frame-seen", "frame-dropped", "frames-settled"):
            verdicts += sum(r["to"] - r["from"] + 1 for r in message["ranges"]) if "ranges" in message else 1
            if verdicts == len(files):
                say("ask-start", ask="first", text=question, stream=0)
        elif message["type"] in ("answer-delta", "head-result", "answer-ended", "error"):
            print(json.dumps(message))
            if message["type"] in ("answer-ended", "error"):
                sys.exit(message.get("finish") != "stop")
