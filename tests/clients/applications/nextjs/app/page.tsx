import { auth, signIn, signOut } from "@/auth"

async function enter() {
  "use server"
  await signIn("auth")
}

async function leave() {
  "use server"
  await signOut()
}

export default async function Page() {
  const session = await auth()
  if (!session?.user) {
    return (
      <form action={enter}>
        <button>Enter</button>
      </form>
    )
  }
  return (
    <form action={leave}>
      <p>
        Hello {session.user.name}, {session.user.email}
      </p>
      <button>Leave</button>
    </form>
  )
}
