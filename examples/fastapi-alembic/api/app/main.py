"""The ledger's HTTP interface."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import session
from app.models import Account, Entry

app = FastAPI(title="Ledger")
Session = Annotated[AsyncSession, Depends(session)]


class Booking(BaseModel):
    account: str
    amount: int


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/accounts")
async def accounts(session: Session) -> list[dict[str, str | int]]:
    balance = func.coalesce(func.sum(Entry.amount), 0)
    rows = await session.execute(
        select(Account.number, Account.name, Account.kind, balance)
        .outerjoin(Entry, Entry.account_id == Account.id)
        .group_by(Account.number, Account.name, Account.kind)
        .order_by(Account.number)
    )
    return [{"number": number, "name": name, "kind": kind, "balance": int(sum)} for number, name, kind, sum in rows]


@app.post("/entries", status_code=201)
async def book(booking: Booking, session: Session) -> dict[str, int]:
    account = await session.scalar(select(Account).where(Account.number == booking.account))
    if account is None:
        raise HTTPException(404, f"no account {booking.account}")
    entry = Entry(account_id=account.id, amount=booking.amount)
    session.add(entry)
    await session.commit()
    return {"id": entry.id}
