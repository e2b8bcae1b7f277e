"""An app whose tasks return the trace that they see, and send others away; imported by workers."""

from headrace import App, current

app = App()


@app.task(name="look")
def look() -> dict[str, str]:
    return dict(current().trace)


@app.task(name="relay")
def relay(queue: str) -> list[object]:
    return [dict(current().trace), look.apply_async(queue=queue).id]


@app.task(name="relay_many")
def relay_many(queue: str) -> list[object]:
    return [dict(current().trace), look.delay_many([()], queue=queue)[0].id]


@app.task(name="relay_async")
async def relay_async(queue: str) -> list[object]:
    return [dict(current().trace), (await look.aapply_async(queue=queue)).id]
