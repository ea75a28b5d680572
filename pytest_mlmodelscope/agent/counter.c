/* A plugin of qemu that counts the instructions which the emulated process executes, all threads together.

   The process asks by the system call MARK, which no kernel has, with the descriptor of a pipe: the count so
   far is written there (worker/counting.py). Nothing of qemu's header is needed but what is declared here, and
   no header of the system either, so that any C compiler will do.

   -DVERSION=N: the version of the interface, which is the same in this part of it from 1 on. */

typedef unsigned long long u64;
typedef void called(u64 id, unsigned cpu, long long number, u64, u64, u64, u64, u64, u64, u64, u64);
typedef void executed(unsigned cpu, void *data);
struct block;
typedef void translated(u64 id, struct block *block);

extern void qemu_plugin_register_vcpu_tb_trans_cb(u64 id, translated *then);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct block *block, executed *then, int flags, void *data);
extern void qemu_plugin_register_vcpu_syscall_cb(u64 id, called *then);
extern unsigned long qemu_plugin_tb_n_insns(const struct block *block);
extern long write(int descriptor, const void *bytes, unsigned long size);

enum { MARK = 0x6d6c6d73, NO_REGISTERS = 0 };

static u64 total;

static void on_executed(unsigned cpu, void *instructions)
{
    (void)cpu;
    __atomic_fetch_add(&total, (unsigned long)instructions, __ATOMIC_RELAXED);
}

static void on_translated(u64 id, struct block *block)
{
    (void)id;
    void *instructions = (void *)qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_executed, NO_REGISTERS, instructions);
}

static void on_called(u64 id, unsigned cpu, long long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
{
    (void)id, (void)cpu, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number == MARK) {
        u64 now = __atomic_load_n(&total, __ATOMIC_RELAXED);
        if (write((int)a, &now, sizeof now) < 0)
            return; /* the process that asked finds its pipe empty */
    }
}

#define SEEN __attribute__((visibility("default")))

SEEN int qemu_plugin_version = VERSION;

SEEN int qemu_plugin_install(u64 id, const void *about, int count, char **options)
{
    (void)about, (void)count, (void)options;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    qemu_plugin_register_vcpu_syscall_cb(id, on_called);
    return 0;
}
